"""Functions in SQL that do more than compute, and those known to do no more.

Only of functions that sqlglot has no class for: the others compute, but for a few named here.
"""

from __future__ import annotations

import re

ACTING_CLASSES = frozenset(
    {"NextValueFor", "NetFunc", "Host", "ToFile", "Secret", "Predict", "VectorSearch"}
    | {"AIAgg", "AIClassify", "AIEmbed", "AIForecast", "AIGenerate", "AISimilarity"}
    | {"AISummarizeAgg", "GenerateBool", "GenerateDouble", "GenerateEmbedding", "GenerateInt"}
    | {"GenerateTable", "GenerateText", "MLForecast", "MLTranslate", "FeaturesAtTime"}
)
"""Classes of sqlglot's functions that reach beyond the statement's own rows."""

_READING_CLASSES = frozenset({"ReadCSV", "ReadParquet"})
_READING = re.compile(
    r"read_(?:csv|json|ndjson|parquet|text|blob|xlsx|arrow|avro)\w*|parquet_(?:scan|schema|\w*metadata)"
    r"|arrow_scan\w*|sniff_csv|glob|\w+_scan"
)

_ACTING = re.compile(
    r"""
    pg_sleep\w* | pg_read_\w+ | pg_ls_\w+ | pg_stat_file | pg_file_\w+ | pg_terminate_backend
    | pg_cancel_backend | pg_reload_conf | pg_rotate_logfile\w* | pg_switch_wal | pg_promote
    | pg_create_\w+ | pg_drop_\w+ | pg_(?:try_)?advisory_\w+ | pg_notify | pg_logical_\w+
    | pg_export_snapshot | pg_replication_\w+ | pg_wal_\w+ | pg_backup_\w+ | pg_stat_reset\w*
    | pg_import_\w+ | pg_prewarm | dblink\w* | lo_\w+ | loread | lowrite | set_config | setval
    | nextval | lastval | query_to_xml\w* | cursor_to_xml\w* | http\w* | plpy\w*
    | txid_current | pg_current_xact_id
    | readfile | writefile | edit | load_extension | fts3_tokenizer | sqlite_\w+_read
    | load_file | sys_exec | sys_eval | sleep | benchmark | get_lock | release_\w+ | master_pos_wait
    | query | query_table | setseed | checkpoint | force_checkpoint | write_log | truncate_logs
    | (?:postgres|mysql|sqlite|mssql|odbc|iceberg|delta|duckdb|quack)_
      (?:scan\w*|query|execute|attach)
    | enable_\w+ | disable_\w+ | set_\w+_credentials | import_\w+ | export_\w+ | copy_\w+
    | xp_\w+ | sp_\w+
    """,
    re.VERBOSE,
)

_HARMLESS = frozenset(
    """
    age clock_timestamp statement_timestamp transaction_timestamp timeofday isfinite make_date
    make_time make_timestamp make_timestamptz date_part justify_days justify_hours timezone
    to_json to_jsonb row_to_json array_to_json json_build_object jsonb_build_object json_build_array
    jsonb_build_array json_agg jsonb_agg json_object_agg jsonb_object_agg json_each json_each_text
    jsonb_each jsonb_each_text json_array_elements jsonb_array_elements json_array_elements_text
    jsonb_array_elements_text json_array_length jsonb_array_length json_typeof jsonb_typeof
    json_object_keys jsonb_object_keys jsonb_set jsonb_insert jsonb_pretty jsonb_path_query
    jsonb_path_exists jsonb_path_query_array json_extract_path json_extract_path_text
    jsonb_extract_path jsonb_extract_path_text json_populate_recordset json_to_recordset
    jsonb_to_recordset jsonb_to_record json_to_record jsonb_strip_nulls json_strip_nulls
    regexp_match regexp_matches regexp_split_to_array regexp_split_to_table regexp_substr
    string_to_table array_length array_ndims array_dims array_lower array_upper cardinality
    array_replace array_positions array_fill generate_subscripts trim_array
    quote_ident quote_literal quote_nullable btrim to_hex to_ascii parse_ident similar_to_escape
    every bool_and bool_or mode percentile_cont percentile_disc cume_dist regr_intercept
    div mod gcd lcm scale min_scale trim_scale erf gamma random random_normal width_bucket
    num_nulls num_nonnulls row multirange unistr starts_with string_agg xmlagg bit_and bit_or
    bit_xor
    to_tsvector to_tsquery plainto_tsquery websearch_to_tsquery phraseto_tsquery ts_rank ts_rank_cd
    ts_headline tsvector_to_array similarity word_similarity show_trgm levenshtein soundex metaphone
    lower_inc upper_inc isempty range_merge int4range int8range numrange tsrange tstzrange daterange
    format_type pg_typeof pg_get_viewdef pg_get_constraintdef pg_get_indexdef pg_get_expr
    pg_get_functiondef pg_table_is_visible pg_relation_size pg_total_relation_size pg_table_size
    pg_indexes_size pg_database_size pg_size_pretty pg_column_size obj_description col_description
    shobj_description has_table_privilege has_schema_privilege has_column_privilege version
    current_setting inet_server_addr to_regclass to_regtype current_database current_schema
    st_area st_length st_distance st_within st_contains st_intersects st_x st_y st_astext
    st_asgeojson st_buffer st_centroid st_transform st_setsrid st_makepoint st_geomfromtext
    st_dwithin st_union st_point
    iif printf format glob instr likelihood likely unlikely quote hex typeof total changes
    total_changes last_insert_rowid sqlite_version julianday unixepoch strftime timediff
    zeroblob octet_length json_valid json_group_array json_group_object json_tree json_quote
    json_patch json_remove json_replace json_set json_type json_object json_array json_extract
    bm25 highlight snippet matchinfo offsets generate_series rank rtreecheck unhex
    pragma_table_info pragma_table_xinfo pragma_table_list pragma_index_list pragma_index_info
    pragma_foreign_key_list pragma_database_list
    makedate maketime period_add period_diff sec_to_time time_to_sec timestampdiff timestampadd
    addtime subtime from_days to_days to_seconds dayname yearweek weekday utc_date
    field find_in_set make_set export_set elt conv bin oct ord char_length character_length lcase
    ucase mid locate inet_aton inet_ntoa inet6_aton inet6_ntoa uuid uuid_short crc32 bit_count
    json_contains json_contains_path json_depth json_keys json_length json_merge_patch
    json_merge_preserve json_overlaps json_pretty json_search json_unquote json_value
    json_arrayagg json_objectagg json_table any_value std stddev_pop variance truncate
    strlen list list_value list_sum list_avg list_sort list_aggregate list_distinct list_filter
    list_transform list_reduce list_zip list_unique list_position list_slice list_concat flatten
    range unnest array_agg struct_pack struct_extract map_keys map_values map_entries element_at
    histogram approx_count_distinct approx_quantile arg_min arg_max max_by min_by first last entropy
    kurtosis skewness mad product fsum favg geomean quantile quantile_cont quantile_disc
    date_sub date_add datesub datediff datepart datetrunc epoch epoch_ms epoch_us epoch_ns
    time_bucket make_timestamp_ms century decade millennium isodow isoyear weekday yearweek
    try_strptime strptime to_days to_hours to_minutes to_months to_seconds to_years to_timestamp
    prefix suffix contains ends_with lpad rpad ltrim rtrim string_split string_split_regex str_split
    regexp_extract_all jaccard jaro_similarity jaro_winkler_similarity damerau_levenshtein hamming
    bar hash md5 sha256 nfc_normalize strip_accents formatReadableSize format_bytes greatest_common
    ifnull nvl error isnan isinf even nextafter gamma lgamma fdiv fmod signbit cbrt trunc
    duckdb_tables duckdb_columns duckdb_views duckdb_functions duckdb_types row_number dense_rank
    percent_rank ntile lag lead first_value last_value nth_value
    """.lower().split()
)


def acts(name: str) -> bool:
    """Tell whether a function (in small letters) does more than compute."""
    return _ACTING.fullmatch(name) is not None


def reads_files(kind: str, name: str) -> bool:
    """Tell whether a function reads files in DuckDB, by its class of sqlglot's and its name."""
    return kind in _READING_CLASSES or (
        kind == "Anonymous" and _READING.fullmatch(name.lower()) is not None
    )


def is_harmless(name: str) -> bool:
    """Tell whether a function (in small letters) is known to compute, and do nothing else."""
    return name in _HARMLESS and not acts(name)
