@echo off
rem Installs snapall without any network: install.cmd [FOLDER]
rem PYTHON names another Python than the one on the PATH: 3.11, 3.12 or 3.13, 64 bits.
setlocal
set "folder=%~1"
if "%folder%"=="" set "folder=%ProgramFiles%\snapall"
rem Its full name does not end in a backslash, which would hide the quotation mark behind it from programs.
for %%i in ("%folder%\.") do set "folder=%%~fi"
if "%PYTHON%"=="" set "PYTHON=python"
"%PYTHON%" -m venv "%folder%" || exit /b 1
"%folder%\Scripts\python.exe" -m pip install --quiet --disable-pip-version-check --no-index --find-links "%~dp0wheels" --require-hashes --requirement "%~dp0requirements.txt" || exit /b 1
"%folder%\Scripts\snapall.exe" --version || exit /b 1
echo installed in %folder%; try it: "%folder%\Scripts\snapall.exe" demo
