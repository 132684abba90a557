/*
 * A panic inside the library becomes a status. Needs a library with the feature
 * `fault-injection`.
 */
#include "check.h"

nv_status nv_test_panic(nv_error **error);

int main(void) {
  nv_error *error = NULL;
  int i;
  for (i = 0; i < 3; i++) {
    CHECK(nv_test_panic(&error) == NV_ERROR_INTERNAL);
    CHECK(strstr(nv_error_message(error).data, "this was asked for") != NULL);
    CHECK(strstr(nv_error_json(error).data, "\"internal\"") != NULL);
    nv_error_free(&error);
    CHECK(nv_test_panic(NULL) == NV_ERROR_INTERNAL);
  }
  printf("panic: %d checks\n", checks_done);
  return 0;
}
