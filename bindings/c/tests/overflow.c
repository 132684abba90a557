/* Reads past what the library lent: AddressSanitizer must stop it. */
#include "check.h"

int main(int argc, char **argv) {
  nv_verifier *verifier;
  char *copy;
  volatile char beyond;
  nv_str lent;
  CHECK(argc == 2);
  verifier = demo_verifier(argv[1], "");
  lent = nv_verifier_description_json(verifier);
  copy = malloc(lent.len);
  memcpy(copy, lent.data, lent.len);
  beyond = copy[lent.len];
  (void)beyond;
  free(copy);
  nv_verifier_free(&verifier);
  puts("nobody stopped it");
  return 0;
}
