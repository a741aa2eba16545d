"""Runs what dbt compiled the marts to for Spark, over Parquet files of the sources, and writes them as Parquet."""
import json
import sys
import time
from pathlib import Path

from pyspark.sql import SparkSession


def main(args):
    spark = (
        SparkSession.builder.master("local[2]")
        .config("spark.ui.enabled", "false")
        .config("spark.driver.memory", "2g")
        .config("spark.sql.shuffle.partitions", "4")
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.sql.catalogImplementation", "in-memory")
        .config("spark.sql.warehouse.dir", f"{args['folder']}/warehouse")
        .config("spark.sql.ansi.enabled", "true")
        .config("spark.sql.ansi.doubleQuotedIdentifiers", "true")
        .getOrCreate()
    )
    spark.sparkContext.setLogLevel("ERROR")
    for schema in ("market", "intermediate", "features", "signals"):
        spark.sql(f"create database if not exists {schema}")
    for name, path in args["sources"].items():
        spark.sql(f"create view {name} as select * from parquet.`{path}`")
    seconds = {}
    for name, compiled in args["models"].items():
        started = time.monotonic()
        path = f"{args['folder']}/{name}"
        spark.sql(Path(compiled).read_text()).write.parquet(path)
        spark.sql(f"create view {name} as select * from parquet.`{path}`")
        seconds[name] = time.monotonic() - started
    print(json.dumps(seconds))


main(json.load(sys.stdin))
