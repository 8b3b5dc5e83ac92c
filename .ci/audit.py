"""Look the installed packages up in the advisory database, and say plainly what could not be looked up.

pip-audit passes over packages that its service does not know, all of them when there is only a mirror without advisory
data. That is not the same as "nothing found": exit codes are 0 (audited, nothing found), 1 (advisories), 2 (not audited).
`make` turns each failure into its own code 2; the line that is printed says which one it was.
"""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys


def report(output: str) -> tuple[int, str]:
    """Return the exit code and what to print for the JSON of pip-audit; text that is not JSON means a failure."""
    try:
        packages = json.loads(output)["dependencies"]
    except (ValueError, KeyError, TypeError):
        return 2, "the advisory database cannot be reached: nothing was audited"
    audited = [package for package in packages if "skip_reason" not in package]
    if not audited:
        return 2, f"the advisory database has no data here: none of {len(packages)} packages was audited"
    lines = [
        f"{package['name']} {package['version']}: {found['id']}, fixed in {', '.join(found['fix_versions']) or 'none'}"
        for package in audited
        for found in package["vulns"]
    ]
    lines.append(f"{len(audited)} of {len(packages)} packages audited, {len(lines)} advisories")
    return (1 if len(lines) > 1 else 0), "\n".join(lines)


def main() -> int:
    if importlib.util.find_spec("pip_audit") is None:
        print("pip-audit is not installed: nothing was audited")
        return 2
    command = [
        sys.executable,
        "-m",
        "pip_audit",
        "--format",
        "json",
        "--progress-spinner",
        "off",
        "--skip-editable",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    code, text = report(done.stdout)
    if code == 2 and not done.stdout.strip() and done.stderr.strip():  # it failed, and says why
        text = f"{text} ({done.stderr.strip().splitlines()[-1]})"
    print(text)
    return code


if __name__ == "__main__":
    sys.exit(main())
