"""SNMP devices for tests and the demo: recordings served over SNMPv1, v2c and v3 on loopback, with scripted faults.

recording  what a device answers: snmprec files, or cells from code
synthetic  a switch with N ports, built
device     where it listens, whom it lets in
faults     what is wrong with it, as data
answers    GET, GETNEXT, GETBULK; pure
objects    values that move, step and restart
usm        SNMPv3's authoritative engine
agent      one device without a socket
responder  sockets: in this loop, in a thread, in a process
artefacts  what capture did to recordings, undone
session    recordings read as devices, without a socket
supported  families, and the recordings that exercise them
"""

from agent.lab.snmp.device import Device
from agent.lab.snmp.recording import Cell, Recording, parse, read
from agent.lab.snmp.responder import lab_process, lab_thread, running_lab
from agent.lab.snmp.synthetic import switch

__all__ = ["Cell", "Device", "Recording", "lab_process", "lab_thread", "parse", "read", "running_lab", "switch"]
