"""
Makes marts with Spark: runs what dbt compiled the models to over tables of the lake, and writes each as Parquet. The
argument is a file of JSON; a line of JSON on stdout tells of each model. Ends when its stdin does, as the process that
started it is gone then. Where it runs, and with how much memory, is for spark-defaults.conf to say.
"""

import json
import os
import sys
import threading
import time
from pathlib import Path


def follow() -> None:
    while os.read(0, 1):
        pass
    os._exit(130)


threading.Thread(target=follow, daemon=True).start()

from pyspark import SparkConf  # noqa: E402  (importing Spark takes long: who started us may be gone by then)
from pyspark.sql import SparkSession  # noqa: E402

CATALOG = {
    "type": "jdbc",
    "jdbc.schema-version": "V1",
    # Its tables are there, and readers may not make them.
    "jdbc.init-catalog-tables": "false",
    "cache-enabled": "false",
}


def open_session(jars: list[str], folder: str, catalog: dict) -> SparkSession:
    conf = SparkConf().setAll(
        [
            ("spark.app.name", "ticklake transform run"),
            ("spark.jars", ",".join(jars)),
            ("spark.sql.extensions", "org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions"),
            ("spark.sql.catalogImplementation", "in-memory"),
            ("spark.sql.warehouse.dir", f"{folder}/warehouse"),
            ("spark.sql.ansi.enabled", "true"),
            ("spark.sql.ansi.doubleQuotedIdentifiers", "true"),
            ("spark.sql.session.timeZone", "UTC"),
            ("spark.sql.parquet.outputTimestampType", "TIMESTAMP_MICROS"),
        ]
    )
    spark = SparkSession.builder.config(conf=conf).getOrCreate()
    spark.sparkContext.setLogLevel("ERROR")
    # Given to the session alone: what it is started with stands in the list of processes.
    name = f"spark.sql.catalog.{catalog['name']}"
    spark.conf.set(name, "org.apache.iceberg.spark.SparkCatalog")
    place = {"uri": catalog["uri"], "warehouse": catalog["warehouse"]}
    login = {"jdbc.user": catalog["user"], "jdbc.password": os.environ.get("TICKLAKE_CATALOG_PASSWORD", "")}
    for key, value in {**CATALOG, **place, **login}.items():
        spark.conf.set(f"{name}.{key}", value)
    return spark


def main(asked: dict) -> None:
    spark = open_session(asked["jars"], asked["folder"], asked["catalog"])
    for schema in sorted({name.split(".")[0] for name in [*asked["relations"], *asked["models"]]}):
        spark.sql(f"create database if not exists {schema}")
    for name, sql in asked["relations"].items():
        spark.sql(f"create view {name} as {sql}")
    for name, compiled in asked["models"].items():
        started = time.monotonic()
        path = f"{asked['folder']}/{name}"
        spark.sql(Path(compiled).read_text()).write.parquet(path)
        spark.sql(f"create view {name} as select * from parquet.`{path}`")
        ms = round((time.monotonic() - started) * 1000)
        print(json.dumps({"model": name, "ms": ms}), flush=True)
    spark.stop()


main(json.loads(Path(sys.argv[1]).read_text()))
