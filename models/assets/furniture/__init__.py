"""Parametric furniture: functions of an overall size that return closed parts in the object frame."""
