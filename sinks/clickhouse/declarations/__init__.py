"""What each table is, said once. `table` has the words; begin in `events`. It must not know SQL, nor make a row."""
