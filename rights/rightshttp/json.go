package rightshttp

import (
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"time"

	"github.com/trothdev/troth/rights"
)

// errBody says that a body is not what it must be.
var errBody = errors.New("rightshttp: malformed body")

// maxBody is the longest body, in bytes.
const maxBody = 256 << 10

// read reads a body strictly: JSON, one value, known fields.
func read(w http.ResponseWriter, r *http.Request, into any) error {
	if t, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || t != "application/json" {
		return errBody
	}
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody))
	d.DisallowUnknownFields()
	if d.Decode(into) != nil {
		return errBody
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errBody
	}
	return nil
}

func write(w http.ResponseWriter, status int, body any) {
	text, err := json.Marshal(body)
	if err != nil { // a year after 9999
		status, text = http.StatusInternalServerError, []byte(`{"error":"failed"}`)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	// It was only written to the client: there is nobody to tell of an error.
	_, _ = w.Write(append(text, '\n'))
}

// request is what callers see of a request.
type request struct {
	ID         string     `json:"id"`
	Right      string     `json:"right"`
	State      string     `json:"state"`
	Needs      string     `json:"needs"`
	Level      string     `json:"level"`
	ReceivedAt time.Time  `json:"receivedAt"`
	DueAt      *time.Time `json:"dueAt,omitempty"`
	ClosedAt   *time.Time `json:"closedAt,omitempty"`
	Reason     string     `json:"reason,omitempty"`
	// Staff alone see the rest.
	Subject string `json:"subject,omitempty"`
	Owner   string `json:"owner,omitempty"`
	Rule    string `json:"rule,omitempty"`
}

func optional(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

func show(q rights.Request, c Caller) request {
	v := request{
		ID: q.ID, Right: string(q.Right), State: string(q.State), Needs: q.Needs.String(), Level: q.Level.String(),
		ReceivedAt: q.ReceivedAt, DueAt: optional(q.DueAt), ClosedAt: optional(q.ClosedAt), Reason: string(q.Reason),
	}
	if c.Staff {
		v.Subject, v.Owner, v.Rule = q.SubjectID, q.Owner, q.DueRule
	}
	return v
}
