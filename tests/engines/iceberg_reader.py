"""What foreign readers see of versions of a table: any SQL over it, at a snapshot or a tag, by PyIceberg and DuckDB."""
import json
import sys

from pyiceberg.table import StaticTable

from readers import connect, row


def pyiceberg_rows(connection, table, question):
    snapshot_id = question.get("snapshotId")
    if "tag" in question:
        snapshot_id = table.snapshot_by_name(question["tag"]).snapshot_id
    elif snapshot_id is not None:
        snapshot_id = int(snapshot_id)
    connection.register("rows", table.scan(snapshot_id=snapshot_id).to_arrow())
    return row(connection, f"select {question['select']} from rows")


def duckdb_rows(connection, metadata, table, question):
    snapshot_id = question.get("snapshotId")
    if "tag" in question:
        snapshot_id = table.snapshot_by_name(question["tag"]).snapshot_id
    at = "" if snapshot_id is None else f", snapshot_from_id => {snapshot_id}"
    return row(connection, f"select {question['select']} from iceberg_scan('{metadata}'{at})")


def main(args):
    connection = connect()
    table = StaticTable.from_metadata(args["metadata"])
    engines = args.get("engines", ["pyiceberg", "duckdb"])
    ask = {
        "pyiceberg": lambda question: pyiceberg_rows(connection, table, question),
        "duckdb": lambda question: duckdb_rows(connection, args["metadata"], table, question),
    }
    return {engine: [ask[engine](question) for question in args["questions"]] for engine in engines}


if __name__ == "__main__":
    print(json.dumps(main(json.load(sys.stdin))))
