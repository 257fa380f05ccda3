"""MQTT 3.1.1 (paho-mqtt): listens to a broker for a bounded time and keeps who spoke when, never what was said."""

from agent.transports.mqtt.broker import MqttLimits, MqttLogin
from agent.transports.mqtt.transport import MqttTransport, tls_context

__all__ = ["MqttLimits", "MqttLogin", "MqttTransport", "tls_context"]
