"""StyleFlow: a conditional flow over codes, its editors of attributes, and the library of a generator."""

from directions.styleflow.editor import FlowEditor
from directions.styleflow.flow import ConditionalFlow, FlowConfig
from directions.styleflow.library import FlowLibrary, FlowReport

__all__ = ["ConditionalFlow", "FlowConfig", "FlowEditor", "FlowLibrary", "FlowReport"]
