-- What people and BI tools read: each identity once. Counts over these views are exact.

CREATE OR REPLACE VIEW v_calls AS SELECT * FROM fct_calls FINAL
COMMENT 'Contacts, each once';

CREATE OR REPLACE VIEW v_surveys AS SELECT * FROM fct_surveys FINAL
COMMENT 'Answered surveys, each once';

CREATE OR REPLACE VIEW v_cancellations AS SELECT * FROM fct_cancellations FINAL
COMMENT 'Steps of customers who leave, each once';

CREATE OR REPLACE VIEW v_outcomes AS SELECT * FROM fct_outcomes FINAL
COMMENT 'Attempts to call back, each once';

CREATE OR REPLACE VIEW v_unattributable_events AS SELECT * FROM fct_unattributable_events FINAL
COMMENT 'Events that name no customer, each once';

CREATE OR REPLACE VIEW v_customers AS SELECT * FROM dim_customers FINAL
COMMENT 'Customers by their latest profile';

CREATE OR REPLACE VIEW v_trigger_history AS SELECT * FROM fct_triggers FINAL
COMMENT 'Every change of every trigger, each once';

CREATE OR REPLACE VIEW v_triggers AS
SELECT * FROM fct_triggers FINAL ORDER BY mode, trigger_id, sequence DESC LIMIT 1 BY mode, trigger_id
COMMENT 'Triggers as they stand: the highest sequence of each';

CREATE OR REPLACE VIEW v_customer_signal_history AS SELECT * FROM fct_customer_signals FINAL
COMMENT 'Every picture of every customer, each once';

CREATE OR REPLACE VIEW v_customer_signals AS
SELECT * FROM fct_customer_signals FINAL ORDER BY customer_id, as_of DESC, sequence DESC LIMIT 1 BY customer_id
COMMENT 'The latest picture of each customer';

CREATE OR REPLACE VIEW v_dead_letters AS SELECT * FROM fct_dead_letters FINAL
COMMENT 'Records that could not be used, each once';
