/* python.exe of a virtual environment: starts the Python that the environment was made from, which then finds its files.

   Stands in for venvlauncher.exe of CPython for Windows (PC/launcher.c, built with VENV_REDIRECT). */
#include <windows.h>
#include <stdio.h>
#include <wchar.h>

int wmain(void)
{
    static wchar_t own[32768], path[32768], home[32768];
    char line[4096];
    DWORD code = 101;
    STARTUPINFOW start = { sizeof start };
    PROCESS_INFORMATION made;
    FILE *file;

    GetModuleFileNameW(NULL, own, 32768);
    wcscpy(path, own);
    *wcsrchr(path, L'\\') = 0;
    wcscpy(wcsrchr(path, L'\\'), L"\\pyvenv.cfg");
    if (!(file = _wfopen(path, L"r")))
        return 102;
    while (fgets(line, sizeof line, file))
        if (!strncmp(line, "home = ", 7)) {
            line[strcspn(line, "\r\n")] = 0;
            MultiByteToWideChar(CP_UTF8, 0, line + 7, -1, home, 32768);
        }
    fclose(file);
    wcscat(home, L"\\python.exe");
    SetEnvironmentVariableW(L"__PYVENV_LAUNCHER__", own);
    GetStartupInfoW(&start);
    if (!CreateProcessW(home, GetCommandLineW(), NULL, NULL, TRUE, 0, NULL, NULL, &start, &made))
        return 103;
    WaitForSingleObject(made.hProcess, INFINITE);
    GetExitCodeProcess(made.hProcess, &code);
    return (int)code;
}
