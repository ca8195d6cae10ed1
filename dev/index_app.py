"""Index an unpacked app as Azure's worker does, and print what was found as JSON: `index_app.py APP LIBRARIES...`.

Then import the rest, which the app does when a function is called: nothing of it may be missing either.
"""

import importlib
import json
import pkgutil
import sys
import time
from pathlib import Path

sys.path[:0] = sys.argv[1:]
started = time.perf_counter()
app = importlib.import_module("function_app").app
imported = time.perf_counter()
functions = sorted(function.get_function_name() for function in app.get_functions())
ended = time.perf_counter()
packages = [module.name for module in pkgutil.iter_modules([sys.argv[1]]) if module.ispkg]
for package in packages:
    for module in pkgutil.walk_packages([str(Path(sys.argv[1], package))], f"{package}."):
        importlib.import_module(module.name)
print(json.dumps({"functions": functions, "import": imported - started, "index": ended - imported}))
