"""SNMP to one device: v1, v2c and v3, fast, and hard to fool.

    message   PDUs and community messages; `Security`, what v3 replaces
    usm, keys SNMPv3: discovery, authentication, privacy, time window; key derivation and ciphers
    walk, get dialogues without a socket: what to ask next, what an answer means, when it ends
    pace      limits, and how much one device stands in one request
    target    the socket, tries, timer and deadline of one device
    transport `SnmpTransport`, which implements `agent.model.exchange.Transport`

Why not pysnmp for polling: its pyasn1 decoder takes 19 to 20 CPU seconds per 100,000 varbinds, this codec with five
columns per GETBULK about half a second, and it has no bound on a walk whose OIDs do not increase. Few, full datagrams
matter more than compiled code: a receive loop that parses nothing costs half of that. Measured with net-snmp 5.9.3 on
loopback, Python 3.11.
"""

from agent.transports.snmp.credentials import Community, User
from agent.transports.snmp.pace import Limits
from agent.transports.snmp.transport import SnmpTransport
from agent.transports.snmp.usm import HARMLESS_REFUSALS

__all__ = ["HARMLESS_REFUSALS", "Community", "Limits", "SnmpTransport", "User"]
