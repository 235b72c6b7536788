"""Each value knows which layer set it, and what cannot be used says where it was set."""

from pathlib import Path

import pytest

from swarm_analytics_models.home import Home
from swarm_analytics_models.private import UnsafePath
from swarm_analyticsd.settings import UnfitSettings, load_configuration


@pytest.fixture
def made(home: Path) -> Home:
    home.mkdir(mode=0o700)
    return Home(home)


def write(home: Home, text: str) -> None:
    home.config.write_text(text)
    home.config.chmod(0o600)


def test_without_any_layer_the_defaults_hold_and_say_so(made: Home) -> None:
    loaded = load_configuration(made, {}, {})
    assert loaded.settings.durability == "durable"
    assert loaded.explain()["durability"].source == "default"


def test_later_layers_win_and_each_value_names_its_own(made: Home) -> None:
    write(
        made,
        'durability = "fast"\nmax_age_days = 3\n[services]\nopenswarm = "https://a.test"\n',
    )
    environment = {
        "SWARM_ANALYTICSD_MAX_AGE_DAYS": "4",
        "SWARM_ANALYTICSD_LOG_LEVEL": "debug",
        "SWARM_ANALYTICSD_HOME": "/elsewhere",
        "SWARM_ANALYTICSD_OF_ANOTHER_VERSION": "1",
        "SWARM_ANALYTICSD_SERVICE_OPENSWARM": "https://b.test",
    }
    flags: dict[str, object] = {
        "durability": "memory",
        "listen": None,
        "services": {"openswarm": "https://c.test"},
    }
    loaded = load_configuration(made, flags, environment)
    settings = loaded.settings
    assert (settings.durability, settings.max_age_days, settings.log_level) == ("memory", 4.0, "debug")
    assert settings.services == {"openswarm": "https://c.test"}
    told = loaded.explain()
    assert (told["durability"].source, told["durability"].where) == ("flag", "--durability")
    assert (told["max_age_days"].source, told["max_age_days"].where) == (
        "environment",
        "SWARM_ANALYTICSD_MAX_AGE_DAYS",
    )
    assert told["listen"].source == "default"
    assert told["services.openswarm"].source == "flag"


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("durability = 'sometimes'", ["durability", "config.toml", "durable"]),
        ("speed = 3", ["speed", "config.toml", "Known settings"]),
        ("max_age_days = 365", ["max_age_days", "config.toml"]),
        ("max_outbox_bytes = 10", ["max_outbox_bytes"]),
        ("[services]\nnosuch = 'https://x.test'", ["nosuch", "openswarm", "config.toml"]),
        ("[services]\nopenswarm = 'analytics'", ["openswarm", "https://"]),
        ("proxy = 'me:secret@proxy.test'", ["proxy", "http://host:port", "direct"]),
        ("durability = ", ["not TOML", "config.toml"]),
    ],
)
def test_what_cannot_be_used_says_what_where_and_the_remedy(made: Home, text: str, names: list[str]) -> None:
    write(made, text)
    with pytest.raises(UnfitSettings) as unfit:
        load_configuration(made, {}, {})
    assert all(name in str(unfit.value) for name in names)
    assert unfit.value.hint
    assert "secret" not in str(unfit.value)


def test_settings_that_others_could_change_are_refused(made: Home) -> None:
    write(made, "durability = 'fast'")
    made.config.chmod(0o644)
    with pytest.raises(UnsafePath):
        load_configuration(made, {}, {})


@pytest.mark.parametrize(
    ("proxy", "shown"),
    [
        ("http://proxy.test:8080", "http://proxy.test:8080"),
        ("http://me:p@ss:word@proxy.test:8080", "http://me:***@proxy.test:8080"),
        ("http://:secret@proxy.test", "http://:***@proxy.test"),
        ("http://me@proxy.test", "http://me@proxy.test"),
        ("direct", "direct"),
    ],
)
def test_s7_a_proxys_password_is_used_and_never_shown(made: Home, proxy: str, shown: str) -> None:
    configuration = load_configuration(made, {}, {"SWARM_ANALYTICSD_PROXY": proxy})
    assert configuration.settings.proxy == proxy
    assert configuration.explain()["proxy"].value == shown
