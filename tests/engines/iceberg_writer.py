"""Changes one of our tables as PyIceberg does, through a catalog of its own, and tells the snapshots that it made."""
import json
import sys
from datetime import date, datetime, timezone
from decimal import Decimal

import pyarrow as pa
from pyiceberg.catalog.sql import SqlCatalog


def trades(table, batch):
    day = date.fromisoformat(batch["day"])
    moment = datetime(day.year, day.month, day.day, tzinfo=timezone.utc)
    rows = [
        {
            "symbol": batch["symbol"],
            "timestamp": moment,
            "price": Decimal(i) / 8,
            # The one column that these steps rename.
            table.schema().find_column_name(4): Decimal(i + 1) / 4,
            "side": "buy",
            "trade_id": batch["firstId"] + i,
            "source": None,
            "processing_time": moment,
            "date": day,
        }
        for i in range(batch["count"])
    ]
    return pa.Table.from_pylist(rows, schema=table.schema().as_arrow())


def rename(table, names):
    with table.update_schema() as update:
        update.rename_column(*names)


STEPS = {
    "append": lambda table, batch: table.append(trades(table, batch)),
    "delete": lambda table, condition: table.delete(condition),
    "overwrite": lambda table, step: table.overwrite(trades(table, step["with"]), overwrite_filter=step["where"]),
    "rollback": lambda table, snapshot: table.manage_snapshots().rollback_to_snapshot(int(snapshot)).commit(),
    "rename": rename,
}


def main(args):
    catalog = SqlCatalog("foreign", uri=args["catalog"], warehouse=args["warehouse"])
    catalog.create_namespace_if_not_exists("market")
    table = catalog.register_table("market.trades", args["metadata"])
    made = []
    for name, argument in args["steps"]:
        before = {snapshot.snapshot_id for snapshot in table.snapshots()}
        STEPS[name](table, argument)
        table = table.refresh()
        new = [snapshot for snapshot in table.snapshots() if snapshot.snapshot_id not in before]
        made.append([[str(snapshot.snapshot_id), snapshot.summary.operation.value] for snapshot in new])
    return {"metadata": table.metadata_location, "made": made}


if __name__ == "__main__":
    print(json.dumps(main(json.load(sys.stdin))))
