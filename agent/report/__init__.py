"""The report: `render(ReportInput, language)` gives one self-contained page."""

from agent.report.given import CheckLine, KeptExchange, ReportInput, RunLine
from agent.report.html import render

__all__ = ["CheckLine", "KeptExchange", "ReportInput", "RunLine", "render"]
