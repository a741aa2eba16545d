"""What foreign readers see of tables: PyIceberg from a metadata file or a catalog, and DuckDB's iceberg extension."""
import json
import os
import sys

import duckdb
import duckdb_extension_avro
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.expressions import AlwaysTrue
from pyiceberg.table import StaticTable

SITE_PACKAGES = os.path.dirname(os.path.dirname(duckdb_extension_avro.__file__))


def connect():
    connection = duckdb.connect(config={"autoinstall_known_extensions": False})
    connection.execute("set TimeZone = 'UTC'")
    for name in ["avro", "httpfs", "iceberg"]:
        path = f"{SITE_PACKAGES}/duckdb_extension_{name}/extensions/v{duckdb.__version__}/{name}.duckdb_extension"
        connection.execute(f"load '{path}'")
    return connection


def open_catalog(catalog):
    return SqlCatalog(catalog["name"], uri=catalog["uri"], warehouse=catalog["warehouse"], init_catalog_tables="false")


def row(connection, sql):
    cursor = connection.execute(sql)
    names = [column[0] for column in cursor.description]
    return dict(zip(names, cursor.fetchone()))


def pyiceberg_answers(connection, table, args):
    def answer(query):
        scan = table.scan(row_filter=query.get("rowFilter", AlwaysTrue()))
        connection.register("rows", scan.to_arrow())
        return {
            "totals": row(connection, f"select {args['totals']} from rows"),
            "files": len(list(scan.plan_files())),
        }

    return {name: answer(query) for name, query in args["queries"].items()}


def duckdb_answers(connection, metadata, args):
    return {
        name: {"totals": row(connection, f"select {args['totals']} from iceberg_scan('{metadata}') where {query['where']}")}
        for name, query in args["queries"].items()
    }


def main(args):
    connection = connect()
    answers = {
        "static": pyiceberg_answers(connection, StaticTable.from_metadata(args["metadata"]), args),
        "duckdb": duckdb_answers(connection, args["metadata"], args),
    }
    if "catalog" in args:
        table = open_catalog(args["catalog"]).load_table(args["catalog"]["table"])
        answers["catalog"] = pyiceberg_answers(connection, table, args)
    return answers


if __name__ == "__main__":
    print(json.dumps(main(json.load(sys.stdin))))
