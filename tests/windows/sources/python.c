/* python.exe: starts the interpreter in python311.dll. */
#include <windows.h>

typedef int (*python_main)(int, wchar_t **);

int wmain(int argc, wchar_t **argv)
{
    HMODULE library = LoadLibraryW(L"python311.dll");
    return library ? ((python_main)(void *)GetProcAddress(library, "Py_Main"))(argc, argv) : 100;
}
