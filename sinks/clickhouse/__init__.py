"""The ClickHouse sink: connection, migrations, rows, writer and reports, for any server of a DSN."""
