"""Where the parts meet: wiring (secrets, transports, keys), one run, assessments, the schedule and the service."""
