/* A stand-in for a program that a batch calls. Its copies are named RSH.exe, osql.exe and so on.

   It sends its name, its folder, its exact command line and its arguments to the port in `standins.port`, which lies
   beside it, and ends as it is answered: "EXIT OUT ERR NAME FILE\n" (the lengths in bytes; FILE is -1 for no file), then
   what it prints on its two streams, and the name and content of the file that it writes.
   As `holder FILE SHARE` it keeps a file open, with that sharing mode, until its standard input ends. */

#include <winsock2.h>
#include <windows.h>
#include <stdio.h>
#include <stdlib.h>
#include <wchar.h>

#define NO_ANSWER 250
#define LONGEST 65536

static char *answer;
static int length;

static int fail(const char *what)
{
    fprintf(stderr, "stand-in: %s: error %lu\n", what, GetLastError());
    return NO_ANSWER;
}

static int port_beside(const wchar_t *self)
{
    wchar_t path[MAX_PATH];
    char digits[16] = "";
    DWORD count = 0;
    wcscpy(path, self);
    wcscpy(wcsrchr(path, L'\\') + 1, L"standins.port");
    HANDLE file = CreateFileW(path, GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_WRITE, NULL, OPEN_EXISTING, 0, NULL);
    if (file == INVALID_HANDLE_VALUE)
        return 0;
    ReadFile(file, digits, sizeof digits - 1, &count, NULL);
    CloseHandle(file);
    return atoi(digits);
}

/* One field of the question, in UTF-8, with the zero byte that ends it. */
static int put(SOCKET host, const wchar_t *text)
{
    static char field[LONGEST];
    int count = WideCharToMultiByte(CP_UTF8, 0, text, -1, field, sizeof field, NULL, NULL);
    return count > 0 && send(host, field, count, 0) == count;
}

static int ask(int port, const wchar_t *self, int argc, wchar_t **argv)
{
    WSADATA about;
    wchar_t folder[MAX_PATH];
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    WSAStartup(MAKEWORD(2, 2), &about);
    SOCKET host = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(host, (struct sockaddr *)&at, sizeof at) != 0)
        return 0;
    GetCurrentDirectoryW(MAX_PATH, folder);
    put(host, wcsrchr(self, L'\\') + 1);
    put(host, folder);
    put(host, GetCommandLineW());
    for (int i = 1; i < argc; i++)
        put(host, argv[i]);
    shutdown(host, SD_SEND);
    for (int got = 1; got > 0; length += got) {
        answer = realloc(answer, length + LONGEST);
        got = recv(host, answer + length, LONGEST - 1, 0);
        if (got < 0)
            return 0;
    }
    answer[length] = 0;
    closesocket(host);
    return length > 0;
}

static void write_all(HANDLE to, const char *data, int count)
{
    DWORD written;
    if (count > 0)
        WriteFile(to, data, count, &written, NULL);
}

static int write_file(const char *name, int name_length, const char *data, int count)
{
    wchar_t path[MAX_PATH] = L"";
    MultiByteToWideChar(CP_UTF8, 0, name, name_length, path, MAX_PATH - 1);
    HANDLE file = CreateFileW(path, GENERIC_WRITE, FILE_SHARE_READ, NULL, CREATE_ALWAYS, 0, NULL);
    if (file == INVALID_HANDLE_VALUE)
        return 0;
    write_all(file, data, count);
    return CloseHandle(file);
}

static int hold(const wchar_t *path, DWORD share)
{
    char byte;
    DWORD count = 1;
    HANDLE file = CreateFileW(path, GENERIC_READ | GENERIC_WRITE, share, NULL, OPEN_ALWAYS, 0, NULL);
    if (file == INVALID_HANDLE_VALUE)
        return fail("cannot open the file");
    write_all(GetStdHandle(STD_OUTPUT_HANDLE), "held\n", 5);
    while (ReadFile(GetStdHandle(STD_INPUT_HANDLE), &byte, 1, &count, NULL) && count)
        ;
    CloseHandle(file);
    return 0;
}

int wmain(int argc, wchar_t **argv)
{
    wchar_t self[MAX_PATH];
    int code, out, err, name, file;
    GetModuleFileNameW(NULL, self, MAX_PATH);
    if (argc == 3 && _wcsicmp(wcsrchr(self, L'\\') + 1, L"holder.exe") == 0)
        return hold(argv[1], wcstoul(argv[2], NULL, 10));
    int port = port_beside(self);
    if (!port || !ask(port, self, argc, argv))
        return fail("nobody answers");
    char *body = strchr(answer, '\n');
    if (!body || sscanf(answer, "%d %d %d %d %d", &code, &out, &err, &name, &file) != 5)
        return fail("the answer makes no sense");
    body++;
    write_all(GetStdHandle(STD_OUTPUT_HANDLE), body, out);
    write_all(GetStdHandle(STD_ERROR_HANDLE), body + out, err);
    if (file >= 0 && !write_file(body + out + err, name, body + out + err + name, file))
        return fail("cannot write the file");
    ExitProcess((UINT)code);
}
