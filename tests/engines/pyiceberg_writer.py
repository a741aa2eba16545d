"""Writes tables as PyIceberg does, through its SqlCatalog."""
import json
import sys
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal

import pyarrow as pa
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.transforms import IdentityTransform, MonthTransform

COLUMNS = pa.schema(
    [
        pa.field("symbol", pa.string(), nullable=False),
        pa.field("timestamp", pa.timestamp("us", tz="UTC"), nullable=False),
        pa.field("price", pa.decimal128(38, 18), nullable=False),
        pa.field("volume", pa.decimal128(38, 18), nullable=False),
        pa.field("side", pa.string(), nullable=False),
        pa.field("trade_id", pa.int64(), nullable=False),
        pa.field("source", pa.string(), nullable=True),
        pa.field("processing_time", pa.timestamp("us", tz="UTC"), nullable=False),
        pa.field("date", pa.date32(), nullable=False),
    ]
)


def trades(batch, schema):
    day = date.fromisoformat(batch["day"])
    start = datetime(day.year, day.month, day.day, tzinfo=timezone.utc)
    rows = [
        {
            "symbol": batch["symbol"],
            "timestamp": start + timedelta(seconds=i, microseconds=i),
            "price": Decimal(i - 5) / 8,
            "volume": Decimal(i + 1) / 4,
            "side": "buy",
            "trade_id": batch["firstId"] + i,
            "source": batch.get("source"),
            "processing_time": start,
            "date": day,
        }
        for i in range(batch["count"])
    ]
    return pa.Table.from_pylist(rows, schema=schema)


def bars(batch, schema):
    start = datetime.fromisoformat(batch["start"])
    rows = []
    for i in range(batch["hours"]):
        opened = start + timedelta(hours=i)
        price, one, zero = Decimal(batch["price"]), Decimal(1), Decimal(0)
        rows.append(
            {
                "symbol": batch["symbol"],
                "interval": "1h",
                "open_time": opened,
                "open": price,
                "high": price,
                "low": price,
                "close": price,
                "volume": one,
                "close_time": opened + timedelta(hours=1, microseconds=-1),
                "quote_volume": one,
                "trade_count": 1,
                "taker_buy_volume": zero,
                "taker_buy_quote_volume": zero,
                "source": batch["source"],
                "is_filled": False,
                "date": opened.date(),
            }
        )
    return pa.Table.from_pylist(rows, schema=schema)


def main(args):
    catalog = SqlCatalog(
        args["catalog"]["name"],
        uri=args["catalog"]["uri"],
        warehouse=args["catalog"]["warehouse"],
        init_catalog_tables="false",
    )
    name = args["catalog"]["table"]
    if args.get("create"):
        catalog.create_namespace_if_not_exists(name.split(".")[0])
        table = catalog.create_table(name, schema=COLUMNS)
        with table.update_spec() as spec:
            spec.add_field("symbol", IdentityTransform(), "symbol")
            spec.add_field("timestamp", MonthTransform(), "timestamp_month")
    table = catalog.load_table(name)
    for batch in args.get("append", []):
        rows = bars if "hours" in batch else trades
        table.append(rows(batch, table.schema().as_arrow()))
    if "delete" in args:
        table.delete(args["delete"])
    if "tag" in args:
        table.manage_snapshots().create_tag(table.current_snapshot().snapshot_id, args["tag"]).commit()
    return {
        "metadata": table.metadata_location,
        "snapshotId": str(table.current_snapshot().snapshot_id),
        "summary": {"operation": table.current_snapshot().summary.operation.value, **table.current_snapshot().summary.additional_properties},
        "files": sorted(file["file_path"] for file in table.inspect.files().to_pylist()),
    }


if __name__ == "__main__":
    print(json.dumps(main(json.load(sys.stdin))))
