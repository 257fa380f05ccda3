"""GStreamer's RTSP server with digest, run by the system's Python: serves a test picture as a recording.

Run as `python3 gstreamer_rtsp.py USER PASSWORD PATH`; prints its port and serves until it is told to end.
"""

# ruff: noqa: E402 - versions are chosen before anything is imported from the bindings
# mypy: ignore-errors
import sys

import gi

for name in ("Gst", "GstRtsp", "GstRtspServer"):
    gi.require_version(name, "1.0")

from gi.repository import GLib, Gst, GstRtsp, GstRtspServer

PIPELINE = "x264enc key-int-max=10 tune=zerolatency ! rtph264pay name=pay0 pt=96"


def main(user: str, password: str, path: str) -> None:
    """Serve until the process ends."""
    Gst.init(None)
    server = GstRtspServer.RTSPServer()
    server.set_address("127.0.0.1")
    server.set_service("0")
    factory = GstRtspServer.RTSPMediaFactory()
    picture = "videotestsrc is-live=true ! video/x-raw,width=64,height=48,framerate=10/1"
    factory.set_launch(f"( {picture} ! {PIPELINE} )")
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
