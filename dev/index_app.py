"""Index an unpacked app as Azure's worker does, and print what was found as JSON: `index_app.py APP LIBRARIES...`."""

import importlib
import json
import sys
import time

sys.path[:0] = sys.argv[1:]
started = time.perf_counter()
app = importlib.import_module("function_app").app
imported = time.perf_counter()
functions = sorted(function.get_function_name() for function in app.get_functions())
ended = time.perf_counter()
print(json.dumps({"functions": functions, "import": imported - started, "index": ended - imported}))
