/*
 * notation-verifier: the embeddable verifier for Notary Project (Notation)
 * signatures. It decides whether software may run.
 *
 * Generated from bindings/c/src by bindings/c/header: do not edit.
 *
 *
 * CONVENTIONS
 *
 * Two levels. Whole calls (nv_verify_..., nv_resolve_image, nv_write_payloads,
 * nv_attach_signatures) read files and ask registries themselves; those that verify
 * return the verdict. A session (nv_session_...) fetches nothing: it says what it
 * needs, and the program brings it with its own transport. Nothing but octets, the
 * time and evidence goes in.
 *
 * Results. Functions that can fail return an nv_status. 0 is NV_TRUSTED: something
 * was evaluated and is trusted. No function returns 0 for anything else, so
 * "if (status == NV_TRUSTED)" cannot go wrong by a call that merely worked. From 64
 * on a status is an error: nothing was evaluated. Take a number that you do not know
 * for a failure. A rejection is a result with a report, not an error.
 *
 * Outputs. Output parameters are written only on success, so initialise them with
 * NULL. The parameter `error` may be NULL; where it is not, an error writes an owned
 * nv_error there and success leaves it alone. It is never read.
 *
 * Ownership. Every handle is opaque. A function that has an output parameter
 * "nv_x **" gives the caller a handle to free with nv_x_free, which takes the address
 * of the variable and sets it to NULL: freeing the same variable twice does nothing.
 * A copy of a handle is not counted. What goes in as a pointer is read during the
 * call and not kept.
 *
 * Lifetimes. nv_str and nv_slice are lent. They live until the next call on their
 * handle that takes it by a pointer that is not const, and until it is freed.
 *
 * Input. Octets and texts are a pointer and a length; texts are UTF-8, without a NUL.
 * NULL with length 0 is nothing. NULL with a length, lengths that nothing in memory
 * has, and texts that are not UTF-8 are NV_ERROR_ARGUMENT. Requests and options are
 * JSON objects; a member that is not known is an error, so that a misspelt one is no
 * silent default. A handle that is NULL is NV_ERROR_ARGUMENT, and for functions that
 * have no status the answer that their comment names.
 *
 * Threads. nv_verifier, nv_cancel and what calls give (nv_report, nv_signing_report,
 * nv_descriptor, nv_thumbprints) may be used by any number of threads at the same time,
 * nv_session and nv_verifier_builder by one at a time, whichever it is: a second
 * call at the same time is refused with NV_ERROR_STATE. Freeing must be the last call.
 *
 * Errors inside. No panic leaves the library: it becomes NV_ERROR_INTERNAL, and a
 * session in which that happened refuses everything but being freed. What it said
 * goes to standard error. Callbacks must return: they must not throw C++ exceptions
 * or longjmp through the library.
 *
 * Versions. Functions, constants and their numbers are only added; a number is never
 * used again for something else. Structures do not change their size. Compare
 * NV_ABI_VERSION with nv_abi_version() where the library is loaded at run time; the
 * SONAME has the major version.
 *
 * Signing. No function here signs: keys are elsewhere. nv_write_payloads writes what a
 * signing service signs, and nv_attach_signatures takes its signatures back to their
 * images. They say nothing about trust, and so they never return NV_TRUSTED.
 *
 * The library reads no environment but for the default configuration directory and, in
 * whole calls that ask registries, proxies and what "docker login" left. It installs no
 * signal handler and writes no log.
 */


#ifndef NOTATION_VERIFIER_H
#define NOTATION_VERIFIER_H

#include <stddef.h>
#include <stdint.h>

// The version of the interface that this header describes: the major number in
// the upper 16 bits, the minor one in the lower. The major one changes where a
// program must change, and is that of the SONAME; the minor one where something
// was added.
#define NV_ABI_VERSION 2

// The manifest that a tag or digest names.
#define NV_NEED_RESOLVE 1

// The list of signatures that refer to an artifact.
#define NV_NEED_REFERRERS 2

// A signature manifest.
#define NV_NEED_MANIFEST 3

// A signature envelope.
#define NV_NEED_ENVELOPE 4

// The digest of the blob that is verified.
#define NV_NEED_BLOB_DIGEST 5

// An OCSP answer.
#define NV_NEED_OCSP 6

// A certificate revocation list.
#define NV_NEED_CRL 7

// Something that this version of the header does not know.
#define NV_NEED_OTHER 127

// A flag that asks calls to stop. Any number of calls may have it, and any thread or
// signal handler may set it; it stays set. The caller owns it.
typedef struct nv_cancel nv_cancel;

// What a credential callback answers with; it is there until the callback returns.
// An answer that is given replaces an earlier one; with none the registry is asked
// anonymously.
typedef struct nv_credential nv_credential;

// What a registry has under a reference. It does not change: any number of threads may
// read it. The caller owns it.
typedef struct nv_descriptor nv_descriptor;

// Why nothing could be evaluated. A signature that was evaluated and found bad
// is no error but a report. The caller owns it.
typedef struct nv_error nv_error;

// What a verification found. It does not change: any number of threads may read
// it. The caller owns it.
typedef struct nv_report nv_report;

// A verification under way: it says what it needs, the host fetches that however
// it likes. It reads no file, socket or clock after it has started. One call at a
// time; freeing it is cancelling. The caller owns it.
//
//     while (nv_session_step(session, &error) == NV_NEEDS)
//         for each need: fetch it, nv_session_supply_...
//     nv_session_report(session, &report, &error);
typedef struct nv_session nv_session;

// What all images of a call came to. It does not change: any number of threads may
// read it. The caller owns it.
typedef struct nv_signing_report nv_signing_report;

// The thumbprints of the certificates of an envelope. It does not change: any number
// of threads may read it. The caller owns it.
typedef struct nv_thumbprints nv_thumbprints;

// Trust policies, trust stores, bounds, and what verifications share: chains of
// certificates, revocation evidence. Make one for a whole process and use it
// from as many threads as you like. The caller owns it.
typedef struct nv_verifier nv_verifier;

// Collects trust policies and trust stores from memory. One call at a time. The
// caller owns it.
typedef struct nv_verifier_builder nv_verifier_builder;

// The result of a call. Only `NV_TRUSTED` says that something may be used.
//
// Numbers are never given another meaning and never used again. New ones will
// be added: treat a number that you do not know as a failure. From 64 on they are
// errors: nothing was evaluated, and the `error` parameter tells why.
typedef uint32_t nv_status;

// How one image ended. Numbers are never given another meaning: treat one that you do
// not know as a failure.
typedef uint32_t nv_signing_state;

// Text that somebody else owns: UTF-8 octets and their number. After the last
// one is a NUL that is not counted, so that `data` is a C string too. Where
// there is no text `data` is the empty string, and never NULL.
typedef struct nv_str {
  // The octets.
  const char *data;
  // How many, without the NUL.
  size_t len;
} nv_str;

// What one image of several came to. It is lent until the callback returns.
typedef struct nv_signing_result {
  // Position among the images of the request, from 0.
  uint64_t index;
  // How long it took, in nanoseconds; 0 where it was not begun.
  uint64_t elapsed_ns;
  // How it ended.
  nv_signing_state state;
  // Nothing yet.
  uint32_t reserved;
  // The image, by digest where that is known.
  struct nv_str reference;
  // The digest of the image; empty where it is not known.
  struct nv_str digest;
  // The name of the payload file in its directory; empty where there is none, and in
  // `nv_attach_signatures`.
  struct nv_str payload;
  // The digest of the signature manifest that the image has, or would have; empty
  // where there is none.
  struct nv_str signature;
  // Why the image does not have what the call is for, or NULL.
  const struct nv_error *error;
} nv_signing_result;

// Takes the result of one image. It is called on the thread that made the call, for
// one image after the other. It may use the verifier and set the cancel flag.
typedef void (*nv_signing_fn)(void *context, const struct nv_signing_result *result);

// What one image of several came to. It is lent until the callback returns; see
// `nv_report_copy`.
typedef struct nv_image_result {
  // Position among the images of the request, from 0.
  uint64_t index;
  // How long it took, in nanoseconds; 0 where it was not begun.
  uint64_t elapsed_ns;
  // The verdict, or an error: `NV_ERROR_CANCELLED` where the run ended first.
  nv_status status;
  // Nothing yet.
  uint32_t reserved;
  // What the request calls the image.
  struct nv_str name;
  // The report, or NULL where there is an error.
  const struct nv_report *report;
  // The error, or NULL where there is a report.
  const struct nv_error *error;
} nv_image_result;

// Takes the result of one image. It is called on the thread that called
// `nv_verify_images`, for one image after the other. It may use the verifier and set
// the cancel flag.
typedef void (*nv_image_fn)(void *context, const struct nv_image_result *result);

// Asks the program who it is at the registry `registry` ("registry.example:5000", with
// a NUL after it): it answers with one of `nv_credential_set_...`, or not at all. It is
// called from any thread, also from several at once, for each registry before it is
// asked for credentials first, and again where they were refused. What it answers goes
// to that registry and its token server and nowhere else.
typedef void (*nv_credential_fn)(void *context,
                                 const char *registry,
                                 size_t registry_len,
                                 struct nv_credential *credential);

// Octets that somebody else owns. Where there are none `data` is not NULL and
// `len` is 0.
typedef struct nv_slice {
  // The octets.
  const uint8_t *data;
  // How many.
  size_t len;
} nv_slice;

// One thing that a session needs. The texts live until the next call that
// changes the session.
//
// Where `method` is not empty, the host can send this HTTP request as it is,
// and give the answer to `nv_session_supply_http`; the session says what comes
// next. Else, or if the host knows better, it brings what `kind` and `what` name
// with one of the other functions.
typedef struct nv_need {
  // For the functions that supply it.
  uint64_t id;
  // The most octets that the answer may have; stop reading there.
  uint64_t max_bytes;
  // `NV_NEED_...`.
  uint32_t kind;
  // Nothing yet.
  uint32_t reserved;
  // Tag, digest, address, or the name of a hash algorithm ("sha256").
  struct nv_str what;
  // HTTP: the method, or empty where there is no HTTP request.
  struct nv_str method;
  // HTTP: the address.
  struct nv_str url;
  // HTTP: the headers, one a line: "name: value", each with a line feed.
  struct nv_str headers;
  // HTTP: the body.
  struct nv_slice body;
} nv_need;

// The payload was written.
#define NV_SIGNING_WRITTEN 1

// The file was there with the same payload, and was not touched.
#define NV_SIGNING_KEPT 2

// The file holds an intact signature of the payload: it is to be attached.
#define NV_SIGNING_SIGNED 3

// The image has a valid signature and gets no payload (`skipValid`).
#define NV_SIGNING_VALID 4

// The signature is attached now.
#define NV_SIGNING_ATTACHED 16

// The signature was attached before, by this library or another program.
#define NV_SIGNING_ALREADY_ATTACHED 17

// The signature would be attached (`dryRun`).
#define NV_SIGNING_WOULD_ATTACH 18

// The image does not have what the call is for; the error tells why.
#define NV_SIGNING_FAILED 64

// The call ended before this image was done: call again.
#define NV_SIGNING_NOT_DONE 65

// Evaluated and trusted, and nothing else: no function that does not evaluate
// returns 0.
#define NV_TRUSTED 0

// The call did what it is for. It says nothing about trust.
#define NV_DONE 1

// The session needs something: see `nv_session_need_count`.
#define NV_NEEDS 2

// There are signatures, and none is trusted.
#define NV_REJECTED 16

// The look-up worked, and there is no signature.
#define NV_UNSIGNED 17

// A look-up failed, so nothing is known. It is not the same as unsigned.
#define NV_LOOKUP_FAILED 18

// The trust policy exempts the artifact (level `skip`): nothing was verified.
#define NV_SKIPPED 19

// Of several artifacts at least one is not trusted.
#define NV_NOT_ALL_TRUSTED 20

// Of several images at least one does not have what the call is for: a payload, its
// signature. The report tells which, and why.
#define NV_NOT_ALL_DONE 21

// A parameter is wrong: NULL where that is not allowed, an impossible length,
// text that is not UTF-8.
#define NV_ERROR_ARGUMENT 64

// A value is wrong: a reference, an option, a member that is not known.
#define NV_ERROR_USAGE 65

// The call does not fit the state of its handle: an answer that nobody asked
// for, a report that is not there yet, a handle that another call is using, a
// session in which a call failed inside.
#define NV_ERROR_STATE 66

// A trust policy document is missing, malformed or breaks a rule.
#define NV_ERROR_TRUST_POLICY 67

// No statement of the trust policy applies to the artifact.
#define NV_ERROR_POLICY_NOT_APPLICABLE 68

// A trust store or a certificate cannot be read.
#define NV_ERROR_TRUST_STORE 69

// The artifact, a manifest or a blob cannot be had or is malformed.
#define NV_ERROR_ARTIFACT 70

// A bound stopped the work.
#define NV_ERROR_LIMIT_EXCEEDED 71

// Reading from the file system or the network failed.
#define NV_ERROR_IO 72

// The call was cancelled.
#define NV_ERROR_CANCELLED 73

// A payload or a signature cannot be used for signing: it is malformed, not intact, or
// of something else.
#define NV_ERROR_SIGNING 74

// Something failed for which there is no number yet.
#define NV_ERROR_OTHER 126

// The library failed inside (a panic, which stopped there). Please report it.
#define NV_ERROR_INTERNAL 127

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

// The version of the interface that the library has. A program may go on where
// its upper 16 bits are those of `NV_ABI_VERSION` and its lower ones are not
// smaller.
uint32_t nv_abi_version(void);

// The version of the library, such as "0.1.0", with a NUL at its end. It lives
// as long as the library.
const char *nv_library_version(void);

// Attaches signatures to their images in registries, each once: what is there already,
// by whichever program, is left as it is, so after a failure the call is simply made
// again. Before anything is sent the envelope must be intact and of exactly that image;
// whether a policy trusts it is for those who verify. The rest: `docs/SIGNING.md`.
//
// `request` is a JSON object; `map`, `pairs` or both are needed:
//
//     {"map": "payload-map.json, beside the signed payloads",
//      "pairs": [{"reference": "registry.example/app@sha256:...",
//                 "envelope": "file"}, ...],
//      "manifestForm": "artifact-type" or "legacy",
//      "dryRun": false,       true: check everything, write nothing
//      "settleMs": 2000,      how long a list of referrers that clients keep (no
//                             referrers API) must stay as it was written
//      "concurrency": 8, "timeoutMs": 600000}
//
// `cancel` and `callback` may be NULL. Returns `NV_DONE` where every image has its
// signature (with `dryRun`: would have it), `NV_NOT_ALL_DONE` where one has not, both
// with `*report`, or an error. Once images were begun the callback has been called for
// each of them, also where the call was cancelled.
nv_status nv_attach_signatures(const struct nv_verifier *verifier,
                               const char *request,
                               size_t request_len,
                               const struct nv_cancel *cancel,
                               nv_signing_fn callback,
                               void *context,
                               struct nv_signing_report **report,
                               struct nv_error **error);

// Makes a flag that is not set. Returns `NV_DONE` or an error.
nv_status nv_cancel_new(struct nv_cancel **cancel, struct nv_error **error);

// Asks the calls that have `cancel` to stop. NULL is fine.
void nv_cancel_now(const struct nv_cancel *cancel);

// Frees `*cancel` and sets it to NULL. NULL and a pointer to NULL are fine. Calls that
// have it go on, and nobody can stop them any more.
void nv_cancel_free(struct nv_cancel **cancel);

// The status that the failed call returned; `NV_ERROR_ARGUMENT` for NULL.
nv_status nv_error_status(const struct nv_error *error);

// What failed and what to change, in one line: lower case, no full stop. It
// lives as long as the error.
struct nv_str nv_error_message(const struct nv_error *error);

// The error as a JSON document of the form of reports (`docs/report.schema.json`),
// with the member `error`. It lives as long as the error.
struct nv_str nv_error_json(const struct nv_error *error);

// Frees `*error` and sets it to NULL. NULL and a pointer to NULL are fine.
void nv_error_free(struct nv_error **error);

// Verifies an image in a registry; `request` as for `nv_session_for_image`, and
//
//     {"timeoutMs": 60000}    the time for all of it; without it each request has its own
//
// `cancel` may be NULL. Returns the verdict with `*report`, or an error.
nv_status nv_verify_image(const struct nv_verifier *verifier,
                          const char *request,
                          size_t request_len,
                          const struct nv_cancel *cancel,
                          struct nv_report **report,
                          struct nv_error **error);

// Verifies images in registries, several at the same time, with one pool of
// connections, tokens and evidence, and hands each over to `callback` when it is done.
//
// `request` is a JSON object; the first member is needed, and not empty:
//
//     {"images": [{"reference": "registry.example/app:v1", ...}, ...],
//                                   each as for nv_session_for_image, without "at"
//      "defaults": {"userMetadata": {...}, "maxSignatures": 100,
//                   "allSignatures": false, "platforms": "named"},  for all images
//      "at": "...", "concurrency": 8, "timeoutMs": 600000,
//      "onFailure": "go-on" or "stop", "order": "as-finished" or "as-given"}
//
// `cancel` may be NULL. Returns `NV_TRUSTED` where every image is trusted,
// `NV_NOT_ALL_TRUSTED` where one is not (also where it is exempt by the policy), or an
// error. Once images were begun the callback has been called for each of them, also
// where the call was cancelled.
nv_status nv_verify_images(const struct nv_verifier *verifier,
                           const char *request,
                           size_t request_len,
                           const struct nv_cancel *cancel,
                           nv_image_fn callback,
                           void *context,
                           struct nv_error **error);

// Copies a report that is only lent, so that the caller owns one. Returns `NV_DONE` or
// an error.
nv_status nv_report_copy(const struct nv_report *report,
                         struct nv_report **copy,
                         struct nv_error **error);

// Writes one payload file for each image, for a service that signs files, and beside
// them "payload-map.json", which says which file is for which image. What is asked of
// the registry, what the files are called and when one is left alone:
// `docs/SIGNING.md`.
//
// `request` is a JSON object; `directory` is needed, and images in `references`, in the
// file `from`, or in both:
//
//     {"directory": "made where it is missing",
//      "references": ["registry.example/app:v1", ...],
//      "from": "one reference a line, or image-info.json",
//      "registryOverride": "where the images of `from` are now",
//      "repoPrefix": "before each repository of `from`",
//      "userMetadata": {"key": "value"},
//      "skipValid": false,    true: none for images that have a signature that is valid
//                             by the verifier's policy
//      "at": "...",           the moment at which `skipValid` judges
//      "replace": false,      write over files that hold something else
//      "concurrency": 8, "timeoutMs": 600000}
//
// `cancel` and `callback` may be NULL. Returns `NV_DONE` where every image has a payload
// or, with `skipValid`, a valid signature, `NV_NOT_ALL_DONE` where one has neither, both
// with `*report`, or an error. Once images were begun the callback has been called for
// each of them and the map has been written, also where the call was cancelled.
nv_status nv_write_payloads(const struct nv_verifier *verifier,
                            const char *request,
                            size_t request_len,
                            const struct nv_cancel *cancel,
                            nv_signing_fn callback,
                            void *context,
                            struct nv_signing_report **report,
                            struct nv_error **error);

// Lets the program say who it is at each registry, for whole calls. Without it the
// option `credentials` decides. To be set before the verifier asks a registry first.
// `context` is handed to `callback` and must live as long as the verifier and every
// call that uses it. Returns `NV_DONE` or an error.
nv_status nv_verifier_set_credential_callback(struct nv_verifier *verifier,
                                              nv_credential_fn callback,
                                              void *context,
                                              struct nv_error **error);

// Answers with a user name and a password. Returns `NV_DONE` or an error.
nv_status nv_credential_set_password(struct nv_credential *credential,
                                     const char *username,
                                     size_t username_len,
                                     const char *password,
                                     size_t password_len,
                                     struct nv_error **error);

// Answers with an identity token, which is exchanged for others (a refresh token of
// OAuth 2). Returns `NV_DONE` or an error.
nv_status nv_credential_set_identity_token(struct nv_credential *credential,
                                           const char *token,
                                           size_t token_len,
                                           struct nv_error **error);

// Answers with a token that the registry itself takes. Returns `NV_DONE` or an error.
nv_status nv_credential_set_registry_token(struct nv_credential *credential,
                                           const char *token,
                                           size_t token_len,
                                           struct nv_error **error);

// Answers that there should be a credential and it cannot be had, and why, without any
// secret: the look-up then fails. Returns `NV_DONE` or an error.
nv_status nv_credential_set_failed(struct nv_credential *credential,
                                   const char *why,
                                   size_t why_len,
                                   struct nv_error **error);

// The verdict: `NV_TRUSTED`, `NV_REJECTED`, `NV_UNSIGNED`, `NV_LOOKUP_FAILED` or
// `NV_SKIPPED`; `NV_ERROR_ARGUMENT` for NULL.
nv_status nv_report_status(const struct nv_report *report);

// The digest that was verified, `algorithm:hex`: use this, and not the tag, for
// whatever comes next. Empty unless the status is `NV_TRUSTED`. It lives as long
// as the report, as do the texts below.
struct nv_str nv_report_digest(const struct nv_report *report);

// Why the artifact is not trusted, as a stable word such as "not-trusted",
// "cert-revoked" or "unsigned" (`reason` in `docs/report.schema.json`, or the
// status); of several reasons the first. Empty where it is trusted.
struct nv_str nv_report_reason(const struct nv_report *report);

// The same for a person: what failed, with the values that decided. Lower case,
// no full stop.
struct nv_str nv_report_detail(const struct nv_report *report);

// What to change, where a person can change something; else empty.
struct nv_str nv_report_remedy(const struct nv_report *report);

// The whole report as JSON (`docs/report.schema.json`): every signature, every
// check, every certificate. The same document as the command's.
struct nv_str nv_report_json(const struct nv_report *report);

// Frees `*report` and sets it to NULL. NULL and a pointer to NULL are fine.
void nv_report_free(struct nv_report **report);

// Asks a registry what it has under a reference: a manifest or a list of manifests,
// whose octets are hashed here. It says nothing about signatures.
//
// `request` is a JSON object; the first member is needed:
//
//     {"reference": "registry.example/app:v1" or "registry.example/app@sha256:...",
//      "timeoutMs": 60000}
//
// `cancel` may be NULL. Returns `NV_DONE` or an error: `NV_ERROR_ARTIFACT` where the
// registry says that there is no such image, `NV_ERROR_IO` where the look-up failed,
// which says nothing of the image.
nv_status nv_resolve_image(const struct nv_verifier *verifier,
                           const char *request,
                           size_t request_len,
                           const struct nv_cancel *cancel,
                           struct nv_descriptor **descriptor,
                           struct nv_error **error);

// The reference by digest: use this, and not the tag, for whatever comes next. It
// lives as long as the descriptor, as do the texts below.
struct nv_str nv_descriptor_reference(const struct nv_descriptor *descriptor);

// The media type.
struct nv_str nv_descriptor_media_type(const struct nv_descriptor *descriptor);

// The digest, `algorithm:hex`.
struct nv_str nv_descriptor_digest(const struct nv_descriptor *descriptor);

// The size in octets; -1 for NULL.
int64_t nv_descriptor_size(const struct nv_descriptor *descriptor);

// The same as a JSON object: `reference`, `mediaType`, `digest`, `size`.
struct nv_str nv_descriptor_json(const struct nv_descriptor *descriptor);

// Frees `*descriptor` and sets it to NULL. NULL and a pointer to NULL are fine.
void nv_descriptor_free(struct nv_descriptor **descriptor);

// Computes the thumbprints of the certificate chain of an envelope (COSE or JWS, told
// apart by the first octet), as its signature manifest states them under
// "io.cncf.notary.x509chain.thumbprint#S256". The envelope must be intact: well-formed,
// certificate rules, signature; whether anybody trusts it is not looked at. Of the
// verifier only cryptography and bounds are used. Returns `NV_DONE` or an error,
// `NV_ERROR_SIGNING` where it is not intact.
nv_status nv_envelope_thumbprints(const struct nv_verifier *verifier,
                                  const uint8_t *envelope,
                                  size_t envelope_len,
                                  struct nv_thumbprints **thumbprints,
                                  struct nv_error **error);

// How many there are: one for each certificate of the chain; 0 for NULL.
size_t nv_thumbprints_count(const struct nv_thumbprints *thumbprints);

// The one at `index`, from 0, the signing certificate's first: SHA-256 over the DER, in
// lower-case hexadecimal; empty where there is none. It lives as long as the handle.
struct nv_str nv_thumbprints_at(const struct nv_thumbprints *thumbprints, size_t index);

// All of them as a JSON array of texts: the value of the annotation. It lives as long
// as the handle.
struct nv_str nv_thumbprints_json(const struct nv_thumbprints *thumbprints);

// Frees `*thumbprints` and sets it to NULL. NULL and a pointer to NULL are fine.
void nv_thumbprints_free(struct nv_thumbprints **thumbprints);

// Starts the verification of an artifact whose signatures are yet to be found.
//
// `request` is a JSON object; the first member is needed:
//
//     {"reference": "registry.example/app:v1" or "registry.example/app@sha256:...",
//      "scope": "registry.example/app",  then `reference` is a tag or digest alone,
//                                        and no need has an HTTP request
//      "plainHttp": false,     http:// for this registry; on this machine the default
//      "userMetadata": {"key": "value"}, "maxSignatures": 100,
//      "allSignatures": false, "platforms": "named" or "all" (an index with all that
//      it lists), "name": "for the report", "at": "2026-01-31T12:00:00Z"}
//
// Without `at` the machine's clock is read, now and once. Returns `NV_DONE` or an
// error.
nv_status nv_session_for_image(const struct nv_verifier *verifier,
                               const char *request,
                               size_t request_len,
                               struct nv_session **session,
                               struct nv_error **error);

// Starts the verification of a blob with its detached signature; `request` as for
// `nv_verify_blob`. Returns `NV_DONE` or an error.
nv_status nv_session_for_blob(const struct nv_verifier *verifier,
                              const char *request,
                              size_t request_len,
                              const uint8_t *envelope,
                              size_t envelope_len,
                              struct nv_session **session,
                              struct nv_error **error);

// Starts the verification of an envelope at hand; `request` as for
// `nv_verify_envelope`. What it may need is revocation evidence. Returns `NV_DONE`
// or an error.
nv_status nv_session_for_envelope(const struct nv_verifier *verifier,
                                  const char *request,
                                  size_t request_len,
                                  const uint8_t *envelope,
                                  size_t envelope_len,
                                  struct nv_session **session,
                                  struct nv_error **error);

// Goes as far as it can. Returns `NV_NEEDS` where the session needs something, and
// again until each need was supplied; the verdict (as `nv_report_status`) once it
// is done; or an error.
nv_status nv_session_step(struct nv_session *session, struct nv_error **error);

// How many needs are open; 0 before the first step, and where there is no session.
size_t nv_session_need_count(const struct nv_session *session);

// The open need at `index`, from 0 up to `nv_session_need_count`. Returns `NV_DONE`
// or an error.
nv_status nv_session_need(const struct nv_session *session,
                          size_t index,
                          struct nv_need *need,
                          struct nv_error **error);

// All open needs as JSON: {"needs": [{"id", "kind", "maxBytes", "http": {"method",
// "url", "headers": [["name", "value"], ...], "body" in base64, "maxBytes"} or null,
// ...}]}. By `kind` there is more: "resolve" has "reference"; "referrers" has
// "subject" and "page"; "manifest" and "envelope" have "descriptor"; "blob-digest"
// has "algorithm"; "ocsp" has "url" and "request" (base64); "crl" has "url", "list"
// ("complete" or "delta") and "issuer" (a certificate, base64). It lives until the
// next call that changes the session.
struct nv_str nv_session_needs_json(const struct nv_session *session);

// Supplies the HTTP answer to the need's request, after redirects: the status, the
// headers as lines "name: value" (a status line starts a new block, and the last
// block counts, so what libcurl's header callback gives can be handed over as it
// is), the body. The need may then have another request (the fallback of a registry
// without the referrers API, for example): step the session and look again. Where a
// registry asks for credentials, the host authenticates and sends the request again.
// Returns `NV_DONE` or an error.
nv_status nv_session_supply_http(struct nv_session *session,
                                 uint64_t need,
                                 uint32_t http_status,
                                 const char *http_headers,
                                 size_t http_headers_len,
                                 const uint8_t *body,
                                 size_t body_len,
                                 struct nv_error **error);

// Supplies octets: of a manifest (with its media type, if one came with it), an
// envelope, an OCSP answer or a CRL. The session hashes them itself. Returns
// `NV_DONE` or an error.
nv_status nv_session_supply_content(struct nv_session *session,
                                    uint64_t need,
                                    const char *media_type,
                                    size_t media_type_len,
                                    const uint8_t *content,
                                    size_t content_len,
                                    struct nv_error **error);

// Supplies that it is not there: the other side said so. Returns `NV_DONE` or an
// error.
nv_status nv_session_supply_not_found(struct nv_session *session,
                                      uint64_t need,
                                      struct nv_error **error);

// Supplies that it could not be fetched, and why, for a person. What that means is
// for the policy to judge. Returns `NV_DONE` or an error.
nv_status nv_session_supply_failed(struct nv_session *session,
                                   uint64_t need,
                                   const char *why,
                                   size_t why_len,
                                   struct nv_error **error);

// Supplies a descriptor for a need of the kind `NV_NEED_RESOLVE`, from a host whose
// own index names the artifact: {"mediaType", "digest", "size"}. Returns `NV_DONE`
// or an error.
nv_status nv_session_supply_resolved(struct nv_session *session,
                                     uint64_t need,
                                     const char *descriptor,
                                     size_t descriptor_len,
                                     struct nv_error **error);

// Supplies a page of descriptors for a need of the kind `NV_NEED_REFERRERS`, from a
// host that lists them itself: {"descriptors": [{"mediaType", "digest", "size",
// "artifactType", "annotations"}, ...], "next": where the next page is, or null,
// "problems": ["what could not be looked at and might have been a signature", ...]}.
// Returns `NV_DONE` or an error.
nv_status nv_session_supply_referrers(struct nv_session *session,
                                      uint64_t need,
                                      const char *page,
                                      size_t page_len,
                                      struct nv_error **error);

// Supplies the blob itself for a need of the kind `NV_NEED_BLOB_DIGEST`; it is
// hashed here. Returns `NV_DONE` or an error.
nv_status nv_session_supply_blob(struct nv_session *session,
                                 uint64_t need,
                                 const uint8_t *blob,
                                 size_t blob_len,
                                 struct nv_error **error);

// Supplies the digest of a blob that the host hashed, with the algorithm that the
// need names, and the blob's octets. Returns `NV_DONE` or an error.
nv_status nv_session_supply_blob_digest(struct nv_session *session,
                                        uint64_t need,
                                        const uint8_t *digest,
                                        size_t digest_len,
                                        uint64_t blob_size,
                                        struct nv_error **error);

// The report of a session that is done; it stays the session's too, and can be
// asked for again. Returns the verdict with `*report`, or an error.
nv_status nv_session_report(const struct nv_session *session,
                            struct nv_report **report,
                            struct nv_error **error);

// Frees `*session` and sets it to NULL. NULL and a pointer to NULL are fine.
void nv_session_free(struct nv_session **session);

// The word for a state in JSON, such as "written" or "already-attached", with a NUL at
// its end; "unknown" where there is none. It lives as long as the library.
const char *nv_signing_state_name(nv_signing_state state);

// How many images ended in `state`; 0 for NULL.
size_t nv_signing_report_count(const struct nv_signing_report *report,
                               nv_signing_state state);

// All images in the order of the request, with how each ended, counts and warnings: the
// same document as the command's (`--output json`). It lives as long as the report.
struct nv_str nv_signing_report_json(const struct nv_signing_report *report);

// Frees `*report` and sets it to NULL. NULL and a pointer to NULL are fine.
void nv_signing_report_free(struct nv_signing_report **report);

// The name of a status, such as "rejected" or "error-usage", with a NUL at its
// end; "unknown" where there is none. It lives as long as the library.
const char *nv_status_name(nv_status status);

// Makes a verifier from a Notation configuration directory: the trust policies
// that are there (one for OCI artifacts, one for blobs, or both) and every trust
// store that they name. With `path_len` 0 it is the directory of the user who
// runs the process.
//
// `options` is a JSON object, or nothing. All members can be left out:
//
//     {"cryptography": "preferred" | "portable",
//      "at": "2026-01-31T12:00:00Z",       judge as of this moment, not of now
//      "limits": {"signatures": 100, ...},   bounds, see the Rust type `Limits`
//      "revocation": {
//        "mode": "online" | "cache-only" | "offline",
//        "ocspTimeoutMs": 2000, "crlTimeoutMs": 5000, "maxRedirects": 5,
//        "cacheDirectory": "...", "preload": ["file or directory", ...],
//        "preloadForUrl": {"http://...": "file"},
//        "allowedHosts": ["*.example.com", ...], "allowPrivateAddresses": false},
//      "registry": {
//        "plainHttp": ["host:5000", ...], "loopbackHttps": false,
//        "caFiles": ["file", ...], "ignoreSystemRoots": false,
//        "clientCertificate": {"chain": "file", "key": "file"},
//        "credentials": "docker" | "none", "dockerConfig": "directory",
//        "allowedRealms": ["host", ...], "concurrency": 16,
//        "referrersPerSecond": 50, "attempts": 5, "attemptTimeoutMs": 30000,
//        "longestPauseMs": 60000, "maxRedirects": 5}}
//
// `revocation` and `registry` are for whole calls; with a session the host fetches, apart
// from what `preload` and `preloadForUrl` have: that is used first, and the session has
// no need for it.
// Returns `NV_DONE` or an error.
nv_status nv_verifier_from_directory(const char *path,
                                     size_t path_len,
                                     const char *options,
                                     size_t options_len,
                                     struct nv_verifier **verifier,
                                     struct nv_error **error);

// Starts a verifier from memory; `options` as for `nv_verifier_from_directory`.
// Returns `NV_DONE` or an error.
nv_status nv_verifier_builder_new(const char *options,
                                  size_t options_len,
                                  struct nv_verifier_builder **builder,
                                  struct nv_error **error);

// Sets the trust policy for OCI artifacts, a document of the form of
// `trustpolicy.oci.json`. Returns `NV_DONE` or an error.
nv_status nv_verifier_builder_set_oci_policy(struct nv_verifier_builder *builder,
                                             const uint8_t *document,
                                             size_t document_len,
                                             struct nv_error **error);

// Sets the trust policy for blobs, a document of the form of
// `trustpolicy.blob.json`. Returns `NV_DONE` or an error.
nv_status nv_verifier_builder_set_blob_policy(struct nv_verifier_builder *builder,
                                              const uint8_t *document,
                                              size_t document_len,
                                              struct nv_error **error);

// Adds certificates to the trust store `store`, named as trust policies name it
// ("ca:acme", "signingAuthority:acme", "tsa:acme"): PEM, or DER certificates one
// after the other. May be called several times for one store. Returns `NV_DONE`
// or an error.
nv_status nv_verifier_builder_add_certificates(struct nv_verifier_builder *builder,
                                               const char *store,
                                               size_t store_len,
                                               const uint8_t *certificates,
                                               size_t certificates_len,
                                               struct nv_error **error);

// Makes a verifier of what was collected. The builder stays, and is still the
// caller's to free. Returns `NV_DONE` or an error.
nv_status nv_verifier_builder_build(struct nv_verifier_builder *builder,
                                    struct nv_verifier **verifier,
                                    struct nv_error **error);

// Frees `*builder` and sets it to NULL. NULL and a pointer to NULL are fine.
void nv_verifier_builder_free(struct nv_verifier_builder **builder);

// What the verifier goes by, as JSON: statements of the policies with their
// levels, trust stores with their certificates or why they cannot be used, what
// was passed over. It lives as long as the verifier.
struct nv_str nv_verifier_description_json(const struct nv_verifier *verifier);

// Frees `*verifier` and sets it to NULL. NULL and a pointer to NULL are fine.
// Sessions and reports that were made with it stay usable; calls that are using
// it must have returned.
void nv_verifier_free(struct nv_verifier **verifier);

// Verifies an artifact in an OCI image layout, a directory or a tar archive.
//
// `request` is a JSON object; the first three members are needed:
//
//     {"path": "...", "scope": "registry.example/app", "reference": "v1" or digest,
//      "userMetadata": {"key": "value"}, "maxSignatures": 100,
//      "allSignatures": false, "platforms": "named" or "all" (an index with all that
//      it lists), "name": "for the report", "at": "2026-01-31T12:00:00Z"}
//
// Returns the verdict with `*report`, or an error.
nv_status nv_verify_layout(const struct nv_verifier *verifier,
                           const char *request,
                           size_t request_len,
                           struct nv_report **report,
                           struct nv_error **error);

// Verifies a blob in memory with its detached signature.
//
// `request` is a JSON object; the first member is needed:
//
//     {"envelopeMediaType": "application/cose" or "application/jose+json",
//      "policyName": "a statement; the global one where it is left out",
//      "mediaType": "what the signature must say of the blob",
//      "name": "for the report", "userMetadata": {...}, "at": "..."}
//
// Returns the verdict with `*report`, or an error.
nv_status nv_verify_blob(const struct nv_verifier *verifier,
                         const char *request,
                         size_t request_len,
                         const uint8_t *envelope,
                         size_t envelope_len,
                         const uint8_t *blob,
                         size_t blob_len,
                         struct nv_report **report,
                         struct nv_error **error);

// Verifies a blob in a file, which is read as a stream; the rest as for
// `nv_verify_blob`.
nv_status nv_verify_blob_file(const struct nv_verifier *verifier,
                              const char *request,
                              size_t request_len,
                              const uint8_t *envelope,
                              size_t envelope_len,
                              const char *path,
                              size_t path_len,
                              struct nv_report **report,
                              struct nv_error **error);

// Verifies an envelope at hand against a descriptor.
//
// `request` is a JSON object; the first three members are needed:
//
//     {"reference": "registry.example/app:v1"    or "scope": "registry.example/app",
//      "target": {"mediaType": "...", "digest": "sha256:...", "size": 123},
//      "envelopeMediaType": "application/cose" or "application/jose+json",
//      "userMetadata": {...}, "at": "..."}
//
// Returns the verdict with `*report`, or an error.
nv_status nv_verify_envelope(const struct nv_verifier *verifier,
                             const char *request,
                             size_t request_len,
                             const uint8_t *envelope,
                             size_t envelope_len,
                             struct nv_report **report,
                             struct nv_error **error);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* NOTATION_VERIFIER_H */
