@echo off
rem Installs snapall without any network: install.cmd [FOLDER]
rem PYTHON names another Python than the one on the PATH: 3.11, 3.12 or 3.13, 64 bits.
setlocal
set "folder=%~1"
if "%folder%"=="" set "folder=%ProgramFiles%\snapall"
rem A backslash before the closing quotation mark would hide that from the programs below.
if "%folder:~-1%"=="\" set "folder=%folder:~0,-1%"
if "%PYTHON%"=="" set "PYTHON=python"
"%PYTHON%" -m venv "%folder%" || exit /b 1
"%folder%\Scripts\python.exe" -m pip install --quiet --disable-pip-version-check --no-index --find-links "%~dp0wheels" --require-hashes --requirement "%~dp0requirements.txt" || exit /b 1
"%folder%\Scripts\snapall.exe" --version || exit /b 1
echo installed in %folder%; try it: "%folder%\Scripts\snapall.exe" demo
