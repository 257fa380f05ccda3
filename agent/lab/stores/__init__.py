"""Log stores of the lab: contract fakes of Elasticsearch, Loki, Graylog, VictoriaLogs and ClickHouse over real HTTP.

None of them can be had as a package. Each answers what the real store answers to counts, from any calendar of records
by source and day, with the traps that the real one has; none of them has a log line to give.
"""

from agent.lab.stores.clickhouse import ClickHouse
from agent.lab.stores.elasticsearch import Elasticsearch
from agent.lab.stores.graylog import Graylog
from agent.lab.stores.loki import Loki
from agent.lab.stores.records import Records, steady
from agent.lab.stores.server import serving
from agent.lab.stores.victorialogs import VictoriaLogs

__all__ = ["ClickHouse", "Elasticsearch", "Graylog", "Loki", "Records", "VictoriaLogs", "serving", "steady"]
