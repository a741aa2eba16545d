"""What pyarrow reads from an Arrow IPC stream: types and values as text."""
import json
import sys

import pyarrow

if __name__ == "__main__":
    table = pyarrow.ipc.open_stream(json.load(sys.stdin)["path"]).read_all()
    print(json.dumps({
        "types": {field.name: str(field.type) for field in table.schema},
        "rows": [{name: None if value is None else str(value) for name, value in row.items()} for row in table.to_pylist()],
        "count": table.num_rows,
    }))
