"""Measurements, side by side with what else does the job. They state figures; none passes or fails on time.

python -m benchmarks           all of them, in a few minutes
python -m benchmarks.snmp      polling one device: CPU and speed against pysnmp, net-snmp and Prometheus's exporter
python -m benchmarks.fleet     polling a thousand devices of which some are dead
python -m benchmarks.logs      counting half a year of log files, beside zcat and wc
"""
