/*
 * The one function of Windows' bcryptprimitives.dll that Rust's standard library
 * calls, for Wine: versions before 9 do not have that library. Windows has it; this
 * is put beside programs that Wine runs, and into nothing that anyone installs.
 */
#include <stddef.h>
#include <windows.h>
#include <ntsecapi.h>

__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE data, SIZE_T length) {
  while (length > 0) {
    ULONG part = length > 0x10000 ? 0x10000 : (ULONG)length;
    if (!RtlGenRandom(data, part)) {
      return FALSE;
    }
    data += part;
    length -= part;
  }
  return TRUE;
}
