/* What the C tests share: a check that counts, and files. */
#ifndef CHECK_H
#define CHECK_H

#include <notation_verifier.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int checks_done = 0;

/* Not assert(): that goes away with NDEBUG. */
#define CHECK(condition)                                                                 \
  do {                                                                                   \
    checks_done++;                                                                       \
    if (!(condition)) {                                                                  \
      fprintf(stderr, "%s:%d: failed: %s\n", __FILE__, __LINE__, #condition);            \
      exit(1);                                                                           \
    }                                                                                    \
  } while (0)

/* A status with the error that came with it, which is freed. */
#define CHECK_STATUS(wanted, call)                                                       \
  do {                                                                                   \
    nv_status checked = (call);                                                          \
    checks_done++;                                                                       \
    if (checked != (nv_status)(wanted)) {                                                \
      fprintf(stderr, "%s:%d: %s is %s: %s\n", __FILE__, __LINE__, #call,                \
              nv_status_name(checked), nv_error_message(error).data);                    \
      exit(1);                                                                           \
    }                                                                                    \
    if ((checked >= 64) != (error != NULL)) {                                            \
      fprintf(stderr, "%s:%d: %s: error %p\n", __FILE__, __LINE__,                       \
              nv_status_name(checked), (void *)error);                                   \
      exit(1);                                                                           \
    }                                                                                    \
    if (error != NULL && nv_error_status(error) != checked) {                            \
      fprintf(stderr, "%s:%d: the error has another status\n", __FILE__, __LINE__);      \
      exit(1);                                                                           \
    }                                                                                    \
    nv_error_free(&error);                                                               \
  } while (0)

/* A text and its length, as two parameters. */
#define TEXT(text) (text), strlen(text)

typedef struct file {
  unsigned char *data;
  size_t len;
} file;

/* The whole file, to be freed; the program ends where it cannot be read. */
static inline file read_file(const char *path) {
  file read = {NULL, 0};
  long size;
  FILE *stream = fopen(path, "rb");
  if (stream == NULL || fseek(stream, 0, SEEK_END) != 0 || (size = ftell(stream)) < 0 ||
      fseek(stream, 0, SEEK_SET) != 0) {
    fprintf(stderr, "%s cannot be read\n", path);
    exit(1);
  }
  read.len = (size_t)size;
  read.data = malloc(read.len + 1);
  if (read.data == NULL || fread(read.data, 1, read.len, stream) != read.len) {
    fprintf(stderr, "%s cannot be read\n", path);
    exit(1);
  }
  read.data[read.len] = 0;
  fclose(stream);
  return read;
}

/* `format` with the demo folder in place of its one "%s". */
static inline char *with_demo(const char *format, const char *demo) {
  char *text = malloc(strlen(format) + strlen(demo) + 1);
  if (text == NULL) {
    abort();
  }
  sprintf(text, format, demo);
  return text;
}

#define LAYOUT_REQUEST                                                                   \
  "{\"path\":\"%s/layout\",\"scope\":\"registry.example/demo/app\",\"reference\":\"v1\"}"

/* A verifier from the demo's configuration; `options` is JSON or "". */
static inline nv_verifier *demo_verifier(const char *demo, const char *options) {
  nv_verifier *verifier = NULL;
  nv_error *error = NULL;
  char *config = with_demo("%s/config", demo);
  nv_status status =
      nv_verifier_from_directory(TEXT(config), TEXT(options), &verifier, &error);
  if (status != NV_DONE) {
    fprintf(stderr, "%s: %s\n", config, nv_error_message(error).data);
    exit(1);
  }
  free(config);
  return verifier;
}

#endif
