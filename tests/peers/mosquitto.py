"""The lab's mosquitto, under the name that tests know."""

from agent.lab.mosquitto import Mosquitto, free_port, mosquitto

__all__ = ["Mosquitto", "free_port", "mosquitto"]
