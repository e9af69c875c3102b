"""Names in code by which it does more than compute: of modules, functions and methods.

Tables only, of the modules that analyses use; rather too much than too little. Not here: where in
code such a name counts (:mod:`analyst.tools.code_kinds`).
"""

from __future__ import annotations

import re

# ruff: noqa: SIM905 - lists of words

OWN_CODE = frozenset(
    {"exec", "eval", "compile", "__import__", "globals", "locals", "vars", "setattr", "delattr"}
    | {"getattr", "breakpoint", "input"}
)
RUNS_TEXT = frozenset(
    {"runstring", "rundocs", "f2py", "get_type_hints", "ForwardRef", "singledispatch"}
    | {"singledispatchmethod", "import_optional_dependency"}
)
"""Of libraries: what runs or imports what a text says."""

PROGRAMS = frozenset({"subprocess", "pty", "multiprocessing", "ctypes", "cffi", "signal"})
NETWORK = frozenset(
    """
    socket ssl http urllib urllib3 requests httpx aiohttp ftplib smtplib imaplib poplib telnetlib
    websocket websockets paramiko boto3 botocore fsspec s3fs gcsfs openai yfinance
    webbrowser xmlrpc pycurl grpc
    """.split()
)
COMPUTING = frozenset(
    """
    pandas numpy scipy sklearn statsmodels plotly matplotlib seaborn polars pyarrow duckdb dateutil
    math cmath statistics random decimal fractions datetime time calendar zoneinfo re string
    textwrap difflib collections itertools functools operator bisect heapq json csv io copy typing
    dataclasses enum warnings abc numbers unicodedata hashlib base64 os posix shutil pathlib
    __future__ IPython
    """.split()
)
"""Modules of which the other rules here know what leads out of computing."""

USUAL = {
    "pd": "pandas",
    "np": "numpy",
    "pl": "polars",
    "plt": "matplotlib",
    "mpl": "matplotlib",
    "px": "plotly",
    "go": "plotly",
    "pio": "plotly",
    "sns": "seaborn",
    "sm": "statsmodels",
    "smf": "statsmodels",
    "pa": "pyarrow",
    "pq": "pyarrow",
    "sp": "scipy",
}
"""What modules are mostly called: another cell may have imported them."""

FILES = frozenset({"os", "posix", "shutil", "Path", "pathlib"})
MODULES = frozenset(
    {"os", "posix", "sys", "shutil", "subprocess", "builtins", "importlib", "pathlib", "tempfile"}
    | {"socket", "urllib", "zipfile", "tarfile", "mmap", "pickle", "multiprocessing"}
)
"""Modules by which others may be reached, as ``pandas.io.common.os``."""

BARE = MODULES | {"io", "ctypes", "runpy", "glob", "fileinput", "nt", "fsspec"}
"""Modules that lead anywhere under any other name, so that only their attributes are judged."""

ALLOWED = {
    "os": frozenset(
        """
        path sep linesep curdir pardir extsep pathsep name getcwd getpid cpu_count fspath PathLike
        listdir walk scandir
        """.split()
    ),
    "io": frozenset({"StringIO", "BytesIO", "IOBase", "TextIOBase", "UnsupportedOperation"}),
    "shutil": frozenset({"get_terminal_size"}),
    "pathlib": frozenset({"Path", "PurePath", "PurePosixPath", "PosixPath"}),
    "IPython": frozenset({"display", "version_info", "__version__"}),
}
"""All that of these modules does no more than other rules here know; what is private never is."""

REACHED_BY_NAME = frozenset(
    """
    sys importlib builtins subprocess ctypes pty multiprocessing runpy tempfile socket requests
    urllib httpx aiohttp fsspec boto3 pickle joblib dill cloudpickle glob fileinput
    """.split()
)
"""Modules that another cell may have imported: all that is done with them counts."""

INSIDES = frozenset({"core", "compat", "common", "_testing"})
"""Below pandas: what is not meant for its users, and reaches modules and files."""

PROGRAM_CALLS = re.compile(
    r"system|popen|fork(?:pty)?|kill(?:pg)?|exec[lv]p?e?|(?:posix_)?spawn[lv]?p?e?|startfile"
    r"|create_subprocess_\w+|run_cell\w*|run_line_magic|getoutput"
    r"|(?:install|load)_extension"
)
DELETING = frozenset({"remove", "unlink", "rmdir", "removedirs", "rmtree", "clear_data_home"})
FILE_CALLS = frozenset(
    {"replace", "truncate", "link", "move", "copy", "copy2", "copyfile", "copytree", "copyfileobj"}
    | {"renames", "mkfifo", "mknod", "chown", "lchown", "utime"}
)
"""What writes, of a module of files; of a text or a list it does not."""

ENVIRONMENT = frozenset({"environ", "environb", "getenv", "getenvb", "expandvars"})
OPENING = frozenset({"open", "FileIO", "ZipFile", "TarFile", "fdopen", "memmap", "open_memmap"})

SQL_CALLS = frozenset({"execute", "executemany", "executescript", "sql", "from_query"})
SQL_PARTS = frozenset({"aggregate", "filter", "project", "order", "query_df", "view"})
"""Functions of DuckDB that take a part of a query after a frame."""

SQL_READS = re.compile(
    r"\s*(?:select|with|from|show|describe|explain|values|summarize)\b(?!.*;\s*\w)",
    re.IGNORECASE | re.DOTALL,
)
SQL_STATEMENT = re.compile(
    r"\s*\(*\s*(?:select|with|from|copy|insert|create|drop|attach|detach|install|load|export|import"
    r"|set|pragma|call|update|delete|alter|truncate|use)\s+(?!(?:in|and|or|not|is|if)\b)[\w'\"(*]",
    re.IGNORECASE,
)
"""What is SQL, and no expression of ``DataFrame.query``: two words stand side by side."""

SQL_READS_FILES = re.compile(
    r"\b(?:read_(?:csv|json|ndjson|parquet|text|blob)\w*|parquet_scan|sniff_csv|glob|getenv)\s*\(",
    re.IGNORECASE,
)
QUERY_REACHES = re.compile(r"__|@\s*\w+\s*[.(\[]")
"""In an expression of ``DataFrame.query``: more than a variable's value."""

TO_TEXT = re.compile(r"to_(?:csv|json|html|xml|string|latex|markdown|parquet|orc)|serialize")
"""What returns its text or bytes if it is told no target."""

TO_FILE = re.compile(
    r"to_(?:csv|parquet|excel|json|sql|feather|hdf|pickle|stata|html|orc|xml|clipboard|gbq|latex"
    r"|markdown|string)"
)
WRITING = re.compile(
    TO_FILE.pattern + r"|savefig|imsave|tofile|write\w*|sink_\w+|save\w*|dump(?:_svmlight_file)?"
    r"|mkdir|makedirs|rename|replace_file|touch|symlink\w*|hardlink_to|chmod|move_into|copy_into"
    r"|print_(?:figure|png|jpe?g|pdf|svgz?|ps|eps|tiff?|raw|rgba|webp|pgf|gif)"
    r"|PdfPages|ExcelWriter|HDFStore|StataWriter\w*|ParquetWriter|ORCWriter|RecordBatch\w+Writer"
    r"|output_stream|create_memory_map|mmwrite|hb_write|serialize|get_handle"
)
WRITERS = frozenset(
    {"ExcelWriter", "HDFStore", "ParquetWriter", "ORCWriter", "StataWriter", "output_stream"}
)
"""What opens a target for writing, which may be on another machine."""

UNPICKLING_MODULES = frozenset({"statsmodels", "joblib", "pickle", "dill", "cloudpickle", "shelve"})
"""Those whose ``load`` loads pickled objects."""

PROGRAM_MODULES = frozenset({"orca", "kaleido", "ctypeslib"})
"""Parts of libraries that start programs, or load libraries of machine code."""

UNPICKLING = frozenset({"read_pickle", "loads", "Unpickler", "deserialize", "load_pickle"})

NETWORK_CALLS = re.compile(
    r"fetch_\w+|DataSource|load_dataset|get_dataset_names|get_rdataset|webuse|download\w*|urlretrieve"
    r"|(?:S3|Gcs|Azure|Hadoop|Py)FileSystem|register_filesystem|from_uri|(?:read|to)_gbq|get_chrome"
)
READERS = frozenset(
    """
    read_csv read_table read_fwf read_excel read_json read_html read_xml read_parquet read_feather
    read_orc read_stata read_sas read_spss read_sql read_sql_query read_sql_table read_pickle
    read_hdf read_clipboard read_ipc read_ipc_stream read_ndjson read_avro read_delta read_database
    read_database_uri read_ods read_lines read_text read_bytes read_array scan_csv scan_parquet
    scan_ipc scan_ndjson scan_delta scan_iceberg scan_pyarrow_dataset urlopen fromfile fromregex
    genfromtxt loadtxt recfromcsv recfromtxt imread mmread mminfo hb_read loadmat whosmat loadarff
    readsav netcdf_file ExcelFile ParquetFile ParquetDataset ORCFile HDFStore StataReader OSFile
    memory_map input_stream open_csv open_json open_file open_stream open_code from_csv_auto
    from_parquet rc_file rc_params_from_file get_handle genfromdta deserialize listdir scandir
    LocalFileSystem FileLink FileLinks load_svmlight_file load_svmlight_files load_files
    """.split()
)
"""What reads what a name says, also where it is handed on without a call."""

READING_METHOD = re.compile(r"(?:read|scan)_\w+|load(?:_\w+)?")
READING_ITSELF = frozenset({"read_text", "read_bytes", "iterdir", "glob", "rglob"})
"""Methods of a path, which read what it names."""

DATABASE_READERS = frozenset(
    {"read_sql", "read_sql_query", "read_sql_table", "read_database", "read_database_uri"}
)

TARGETS = frozenset(
    {"filename", "filepath", "file_name", "fname", "url", "uri", "path_or_buf", "path_or_buffer"}
    | {"filepath_or_buffer", "out_file", "path", "buf", "file", "target", "excel_writer", "where"}
    | {"source", "io", "con", "connection", "connection_uri", "path_or_buffer", "excel_file"}
    | {"database"}
)
"""Keywords that say what a reader reads, or a writer writes."""

SURE_TARGETS = frozenset(
    {"filename", "filepath", "fname", "url", "uri", "path_or_buf", "filepath_or_buffer"}
    | {"path_or_buffer", "out_file"}
)
"""Those that say so of any call."""

PLAIN_CALLS = frozenset(
    """
    print len startswith endswith contains match fullmatch extract removeprefix removesuffix count
    find index split strip lstrip rstrip set_title suptitle title xlabel ylabel set_xlabel
    set_ylabel annotate text figtext Markdown isin eq ne DataFrame Series LazyFrame StringIO BytesIO
    """.split()
)
"""Calls that do nothing with a text but keep it, show it or look for it."""

OF_FRAMES = frozenset(
    """
    groupby value_counts sum mean median count size agg nunique min max std var quantile pct_change
    cumsum diff apply map astype fillna round sort_values rank reset_index set_index to_frame loc
    iloc str dt cat T merge join dropna drop_duplicates describe corr pivot_table melt stack unstack
    """.split()
)
"""What frames and series have, and paths have not."""
