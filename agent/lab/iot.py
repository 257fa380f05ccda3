"""A few IoT devices that publish to a broker, as a school's lighting, water and air sensors do."""

from __future__ import annotations

import json
import threading

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

__all__ = ["Sensors"]


class Sensors:
    """Publishes live telemetry every half second until stopped, at most for `seconds`; one device is only remembered.

    Args:
        port: the broker's port on loopback.
        seconds: upper bound of the publishing time.
    """

    DEVICES = ("lighting/lamp-101", "lighting/lamp-102", "water/tap-canteen", "air/room-201")

    def __init__(self, port: int, seconds: float) -> None:
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="lab-sensors")
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._publish, args=(seconds,), name="lab-sensors", daemon=True)
        # Kept by the broker from a device that is silent now: it exists, but is not fresh.
        self._client.publish("school/air/room-202/state", b'{"co2":500}', qos=1, retain=True)
        self._thread.start()

    def _publish(self, seconds: float) -> None:
        for n in range(int(seconds * 2)):
            for device in self.DEVICES:
                self._client.publish(f"school/{device}/state", json.dumps({"n": n}).encode(), qos=0)
            if self._stop.wait(0.5):
                return

    def stop(self) -> None:
        """Stop publishing and disconnect."""
        self._stop.set()
        self._thread.join()
        self._client.disconnect()
        self._client.loop_stop()
