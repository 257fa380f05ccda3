"""GStreamer's RTSP server with digest, run by the system's Python: serves a test picture as a recording.

Run as `python3 gstreamer_rtsp.py USER PASSWORD PATH [OFF]`; prints its port and serves until it ends. With OFF it knows
ONVIF's replay: it plays from where PLAY's Range says, and its pictures tell in their header extension when they were
taken; but by OFF nanoseconds later than was asked for.
"""

# ruff: noqa: E402 - versions are chosen before anything is imported from the bindings
# mypy: ignore-errors
import sys

import gi

for name in ("Gst", "GstRtsp", "GstRtspServer"):
    gi.require_version(name, "1.0")

from gi.repository import GLib, Gst, GstRtsp, GstRtspServer

ENCODED = "x264enc key-int-max=10 tune=zerolatency ! rtph264pay pt=96"


def main(user: str, password: str, path: str, off: str = "") -> None:
    """Serve until the process ends."""
    Gst.init(None)
    server = GstRtspServer.RTSPOnvifServer() if off else GstRtspServer.RTSPServer()
    server.set_address("127.0.0.1")
    server.set_service("0")
    factory = GstRtspServer.RTSPOnvifMediaFactory() if off else GstRtspServer.RTSPMediaFactory()
    if off:
        factory.set_replay_support(True)
        factory.set_media_gtype(GstRtspServer.RTSPOnvifMedia.__gtype__)
    picture = f"videotestsrc is-live={'false' if off else 'true'} ! video/x-raw,width=64,height=48,framerate=10/1"
    last = f"name=payer ! rtponviftimestamp name=pay0 ntp-offset={off}" if off else "name=pay0"
    factory.set_launch(f"( {picture} ! {ENCODED} {last} )")
    rights = "viewer, media.factory.access=(boolean)true, media.factory.construct=(boolean)true"
    factory.add_role_from_structure(Gst.Structure.from_string(rights)[0])
    auth = GstRtspServer.RTSPAuth()
    auth.set_supported_methods(GstRtsp.RTSPAuthMethod.DIGEST)
    token = GstRtspServer.RTSPToken()
    token.set_string("media.factory.role", "viewer")
    auth.add_digest(user, password, token)
    server.set_auth(auth)
    server.get_mount_points().add_factory(path, factory)
    server.attach(None)
    print(server.get_bound_port(), flush=True)  # noqa: T201 - the test reads it
    GLib.MainLoop().run()


if __name__ == "__main__":
    main(*sys.argv[1:])
