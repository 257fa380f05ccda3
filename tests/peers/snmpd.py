"""The lab's snmpd, under the name that tests know."""

from agent.lab.snmpd import AUTH_PASSWORD, COMMUNITY, PRIV_PASSWORD, USERS, Snmpd, V3User, running_snmpd

__all__ = ["AUTH_PASSWORD", "COMMUNITY", "PRIV_PASSWORD", "USERS", "Snmpd", "V3User", "running_snmpd"]
