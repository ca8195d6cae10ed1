from typing import Any

class TaskBase:
    result: Any

class TimerTask(TaskBase):
    def cancel(self) -> None: ...
