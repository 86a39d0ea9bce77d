package unsubscribe

import (
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"os"
	"time"
)

const (
	// maxBody is longer than what any form here sends.
	maxBody = 16 << 10
	// maxFields is how many fields a body may have.
	maxFields = 64
	// bodyTime is how long a body may take to come.
	bodyTime = 15 * time.Second
)

// bodyError says with which status a body is refused.
type bodyError struct{ status int }

func (e *bodyError) Error() string { return http.StatusText(e.status) }

// readForm reads the fields of a POST in either encoding, of the body alone: a
// query is not looked at. Parts that are files are not fields. A body without a
// declared type is taken for the shorter encoding.
func readForm(w http.ResponseWriter, r *http.Request, within time.Duration) (url.Values, *bodyError) {
	// A server that cannot do it has limits of its own, or none.
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(within))
	body := http.MaxBytesReader(w, r.Body, maxBody)
	kind := r.Header.Get("Content-Type")
	if kind == "" {
		return readURLEncoded(body)
	}
	media, params, err := mime.ParseMediaType(kind)
	switch {
	case err != nil && !errors.Is(err, mime.ErrInvalidMediaParameter):
		return nil, &bodyError{http.StatusUnsupportedMediaType}
	case media == "application/x-www-form-urlencoded":
		return readURLEncoded(body)
	case media == "multipart/form-data" && params["boundary"] != "":
		return readMultipart(body, params["boundary"])
	}
	return nil, &bodyError{http.StatusUnsupportedMediaType}
}

func readURLEncoded(body io.Reader) (url.Values, *bodyError) {
	text, err := io.ReadAll(body)
	if err != nil {
		return nil, refusedBody(err)
	}
	fields, err := url.ParseQuery(string(text))
	if err != nil || countValues(fields) > maxFields {
		return nil, &bodyError{http.StatusBadRequest}
	}
	return fields, nil
}

func countValues(fields url.Values) (n int) {
	for _, values := range fields {
		n += len(values)
	}
	return n
}

func readMultipart(body io.Reader, boundary string) (url.Values, *bodyError) {
	fields := make(url.Values)
	parts := multipart.NewReader(body, boundary)
	for n := 0; ; n++ {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			return fields, nil
		}
		if err != nil {
			return nil, refusedBody(err)
		}
		if n == maxFields {
			return nil, &bodyError{http.StatusBadRequest}
		}
		name := part.FormName()
		if name == "" || part.FileName() != "" {
			continue
		}
		value, err := io.ReadAll(part)
		if err != nil {
			return nil, refusedBody(err)
		}
		fields.Add(name, string(value))
	}
}

// refusedBody tells a body that is too long, or too slow, from one that is no form.
func refusedBody(err error) *bodyError {
	if _, long := errors.AsType[*http.MaxBytesError](err); long {
		return &bodyError{http.StatusRequestEntityTooLarge}
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return &bodyError{http.StatusRequestTimeout}
	}
	return &bodyError{http.StatusBadRequest}
}

// isOneClick reports whether a body is what RFC 8058 wants: the pair
// "List-Unsubscribe=One-Click", exactly and once, and nothing of our own pages.
// Other fields are passed over, so that a provider that adds one, such as
// "_charset_", does not lose what its user asked for.
func isOneClick(form url.Values) bool {
	v := form[oneClickName]
	return len(v) == 1 && v[0] == oneClickValue && !form.Has(scopeField) && !form.Has(actField) && !form.Has(addressField)
}
