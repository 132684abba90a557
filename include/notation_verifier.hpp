// C++17 on top of notation_verifier.h: handles that free themselves, errors as
// exceptions, verdicts as values. Header only.
//
//   notation::Verifier verifier = notation::Verifier::from_directory("/etc/notation");
//   notation::Report report = verifier.verify_layout(request);
//   if (report.trusted()) use(report.digest());
//
// Requests and options are JSON, as notation_verifier.h describes them. Everything
// there about threads holds here too.

#ifndef NOTATION_VERIFIER_HPP
#define NOTATION_VERIFIER_HPP

#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "notation_verifier.h"

namespace notation {

namespace detail {

template <typename T, void (*Free)(T **)> struct Freer {
  void operator()(T *handle) const noexcept { Free(&handle); }
};

template <typename T, void (*Free)(T **)> using Handle = std::unique_ptr<T, Freer<T, Free>>;

inline std::string text(nv_str lent) { return std::string(lent.data, lent.len); }

inline const std::uint8_t *octets(std::string_view view) {
  return reinterpret_cast<const std::uint8_t *>(view.data());
}

} // namespace detail

// Nothing could be evaluated. A rejection is no Error but a Report.
class Error : public std::runtime_error {
public:
  explicit Error(nv_error *error)
      : std::runtime_error(detail::text(nv_error_message(error))),
        status_(nv_error_status(error)), json_(detail::text(nv_error_json(error))) {
    nv_error_free(&error);
  }
  nv_status status() const noexcept { return status_; }
  const std::string &json() const noexcept { return json_; }

private:
  nv_status status_;
  std::string json_;
};

namespace detail {

// Runs `call` with a place for an error, and throws what comes there.
template <typename Call> nv_status checked(Call call) {
  nv_error *error = nullptr;
  nv_status status = call(&error);
  if (error != nullptr) {
    throw Error(error);
  }
  return status;
}

} // namespace detail

// What a verification found. Cheap to move; any number of threads may read it.
class Report {
public:
  explicit Report(nv_report *report) : handle_(report) {}

  // Only this says that something may be used.
  bool trusted() const noexcept { return status() == NV_TRUSTED; }
  nv_status status() const noexcept { return nv_report_status(handle_.get()); }
  // The verified digest; empty unless trusted.
  std::string digest() const { return detail::text(nv_report_digest(handle_.get())); }
  // Why not: a stable word, a sentence, what to change.
  std::string reason() const { return detail::text(nv_report_reason(handle_.get())); }
  std::string detail() const { return detail::text(nv_report_detail(handle_.get())); }
  std::string remedy() const { return detail::text(nv_report_remedy(handle_.get())); }
  std::string json() const { return detail::text(nv_report_json(handle_.get())); }

private:
  detail::Handle<nv_report, nv_report_free> handle_;
};

// Asks calls to stop, from any thread.
class Cancel {
public:
  Cancel() {
    nv_cancel *made = nullptr;
    detail::checked([&](nv_error **error) { return nv_cancel_new(&made, error); });
    handle_.reset(made);
  }
  void now() const noexcept { nv_cancel_now(handle_.get()); }
  const nv_cancel *get() const noexcept { return handle_.get(); }

private:
  detail::Handle<nv_cancel, nv_cancel_free> handle_;
};

// Trust policies, trust stores, and what verifications share.
class Verifier {
public:
  static Verifier from_directory(std::string_view path, std::string_view options = {}) {
    nv_verifier *made = nullptr;
    detail::checked([&](nv_error **error) {
      return nv_verifier_from_directory(path.data(), path.size(), options.data(),
                                        options.size(), &made, error);
    });
    return Verifier(made);
  }
  explicit Verifier(nv_verifier *verifier) : handle_(verifier) {}

  Report verify_layout(std::string_view request) const {
    return report([&](nv_report **out, nv_error **error) {
      return nv_verify_layout(get(), request.data(), request.size(), out, error);
    });
  }
  Report verify_image(std::string_view request, const Cancel *cancel = nullptr) const {
    return report([&](nv_report **out, nv_error **error) {
      return nv_verify_image(get(), request.data(), request.size(),
                             cancel == nullptr ? nullptr : cancel->get(), out, error);
    });
  }
  Report verify_envelope(std::string_view request, std::string_view envelope) const {
    return report([&](nv_report **out, nv_error **error) {
      return nv_verify_envelope(get(), request.data(), request.size(),
                                detail::octets(envelope), envelope.size(), out, error);
    });
  }
  Report verify_blob(std::string_view request, std::string_view envelope,
                     std::string_view blob) const {
    return report([&](nv_report **out, nv_error **error) {
      return nv_verify_blob(get(), request.data(), request.size(), detail::octets(envelope),
                            envelope.size(), detail::octets(blob), blob.size(), out, error);
    });
  }
  // For what has no member here.
  nv_verifier *get() const noexcept { return handle_.get(); }

private:
  template <typename Call> static Report report(Call call) {
    nv_report *found = nullptr;
    detail::checked([&](nv_error **error) { return call(&found, error); });
    return Report(found);
  }

  detail::Handle<nv_verifier, nv_verifier_free> handle_;
};

// A verification whose host does the fetching.
class Session {
public:
  Session(const Verifier &verifier, std::string_view request) {
    nv_session *made = nullptr;
    detail::checked([&](nv_error **error) {
      return nv_session_for_image(verifier.get(), request.data(), request.size(), &made,
                                  error);
    });
    handle_.reset(made);
  }

  // Calls `fetch(session, need)`, which supplies the need, until there is a report.
  template <typename Fetch> Report drive(Fetch fetch) {
    while (detail::checked([&](nv_error **error) { return nv_session_step(get(), error); }) ==
           NV_NEEDS) {
      nv_need need;
      detail::checked([&](nv_error **error) { return nv_session_need(get(), 0, &need, error); });
      fetch(*this, static_cast<const nv_need &>(need));
    }
    nv_report *found = nullptr;
    detail::checked([&](nv_error **error) { return nv_session_report(get(), &found, error); });
    return Report(found);
  }
  nv_session *get() const noexcept { return handle_.get(); }

private:
  detail::Handle<nv_session, nv_session_free> handle_;
};

} // namespace notation

#endif
