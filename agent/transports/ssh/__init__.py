"""SSH command lines (netmiko on paramiko): one session a device, allow-listed commands, exact bytes, pinned host keys.

netmiko connects and opens the shell; its drivers' preparations are not used, since they send what no read-only agent
may: Fortinet's writes configuration, Ruijie's and Maipu's ask for privileges, all of them lose octets that are not
UTF-8. What a family needs instead is data (`agent.model.cli.CliProfile`), and every octet that leaves for a device
passes `guard.Guard` first.

paramiko 5 speaks no SHA-1 key exchange and no ssh-rsa host key. A device that offers nothing newer ends as a gap that
says so, unless the campus file allows it the old algorithms: `legacy` then speaks by asyncssh, behind the same
dialogue, guard and pinned key.
"""

from agent.transports.ssh.device import SshLimits, SshLogin
from agent.transports.ssh.gate import SshGate
from agent.transports.ssh.shell import private_key
from agent.transports.ssh.transport import SshTransport

__all__ = ["SshGate", "SshLimits", "SshLogin", "SshTransport", "private_key"]
