"""Traps and informs of SNMP v1, v2c and v3: received all the time, handed over when asked.

    port       the UDP socket; counts what the kernel drops
    datagram   what a message says it is; strict, pure
    keyring    SNMPv3: users, keys, digests, time window
    peers      whose address it is, which communities and users are known
    shelf      bounded stores that a flood from one sender cannot fill for the others
    engine     pysnmp: the notification receiver of RFC 3413, acknowledgements, discovery
    receiver   the whole, from start to end of the service
    transport  `NotificationTransport`, which implements `agent.model.exchange.Transport`

It shares the codec of version 3 with `agent.transports.snmp`: one protocol, one codec. pysnmp is loaded when a port is
opened, not before.
"""

from agent.transports.notifications.peers import Peer, Peers
from agent.transports.notifications.receiver import NotificationLimits, NotificationReceiver
from agent.transports.notifications.transport import NotificationTransport

__all__ = ["NotificationLimits", "NotificationReceiver", "NotificationTransport", "Peer", "Peers"]
