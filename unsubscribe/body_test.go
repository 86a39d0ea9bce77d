package unsubscribe

import (
	"bytes"
	"fmt"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func read(kind, body string) (url.Values, *bodyError) {
	r := httptest.NewRequest(http.MethodPost, "/u/x?List-Unsubscribe=One-Click", strings.NewReader(body))
	r.Header.Set("Content-Type", kind)
	if kind == "" {
		r.Header.Del("Content-Type")
	}
	return readForm(httptest.NewRecorder(), r, bodyTime)
}

const (
	urlEncoded = "application/x-www-form-urlencoded"
	formData   = `multipart/form-data; boundary="b"`
)

func part(name, value string) string {
	return "--b\r\nContent-Disposition: form-data; name=" + name + "\r\n\r\n" + value + "\r\n"
}

func TestOneClick_IsRecognisedInBothEncodings(t *testing.T) {
	for _, c := range []struct {
		kind, body string
		want       bool
	}{
		{urlEncoded, "List-Unsubscribe=One-Click", true},
		{urlEncoded + "; charset=UTF-8", "List-Unsubscribe=One-Click", true},
		{"APPLICATION/X-WWW-Form-Urlencoded", "List-Unsubscribe=One-Click", true},
		{"", "List-Unsubscribe=One-Click", true},
		{formData, part(`"List-Unsubscribe"`, "One-Click") + "--b--\r\n", true},
		{formData, part("List-Unsubscribe", "One-Click") + "--b--", true},
		// What providers add is passed over.
		{urlEncoded, "_charset_=utf-16&List-Unsubscribe=One-Click", true},
		{formData, part(`"_charset_"`, "utf-7") + part(`"List-Unsubscribe"`, "One-Click") + "--b--\r\n", true},

		{urlEncoded, "", false},
		{urlEncoded, "list-unsubscribe=One-Click", false},
		{urlEncoded, "List-Unsubscribe=one-click", false},
		{urlEncoded, "List-Unsubscribe=One-Click ", false},
		{urlEncoded, "List-Unsubscribe=One-Click\r\n", false},
		{urlEncoded, "List-Unsubscribe=One-Click&List-Unsubscribe=One-Click", false},
		{urlEncoded, "List-Unsubscribe=One-Click&scope=everything", false},
		{urlEncoded, "List-Unsubscribe=One-Click&act=stop", false},
		{urlEncoded, "a=List-Unsubscribe=One-Click", false},
		{formData, part(`"List-Unsubscribe"; filename="f"`, "One-Click") + "--b--\r\n", false},
		{formData, part(`"List-Unsubscribe"`, "One-Click\r\n") + "--b--\r\n", false},
		{formData, "--b--\r\n", false},
	} {
		form, bad := read(c.kind, c.body)
		require.Nil(t, bad, "%q %q", c.kind, c.body)
		require.Equal(t, c.want, isOneClick(form), "%q %q", c.kind, c.body)
	}
}

func TestReadForm_RefusesWhatIsNoForm(t *testing.T) {
	var parts strings.Builder
	for i := range 10_000 {
		parts.WriteString(fmt.Sprintf("--b\r\nContent-Disposition: form-data; name=%d\r\n\r\n\r\n", i))
	}
	for name, c := range map[string]struct {
		kind, body string
		status     int
	}{
		"huge":                  {urlEncoded, "a=" + strings.Repeat("x", maxBody), http.StatusRequestEntityTooLarge},
		"huge part":             {formData, part(`"a"`, strings.Repeat("x", maxBody)) + "--b--", http.StatusRequestEntityTooLarge},
		"huge head of a part":   {formData, "--b\r\nX: " + strings.Repeat("x", maxBody) + "\r\n\r\n", http.StatusRequestEntityTooLarge},
		"ten thousand parts":    {formData, parts.String(), http.StatusBadRequest},
		"sixty-five parts":      {formData, strings.Repeat(part("a", ""), 65) + "--b--", http.StatusBadRequest},
		"many fields":           {urlEncoded, strings.Repeat("a&", 100), http.StatusBadRequest},
		"cut":                   {formData, "--b\r\nContent-Disposition: form-data; name=a\r\n\r\nx", http.StatusBadRequest},
		"no boundary":           {"multipart/form-data", part("a", "b"), http.StatusUnsupportedMediaType},
		"JSON":                  {"application/json", `{"List-Unsubscribe":"One-Click"}`, http.StatusUnsupportedMediaType},
		"text":                  {"text/plain", "List-Unsubscribe=One-Click", http.StatusUnsupportedMediaType},
		"mixed":                 {"multipart/mixed; boundary=b", part("a", "b") + "--b--", http.StatusUnsupportedMediaType},
		"nonsense":              {";;;", "", http.StatusUnsupportedMediaType},
		"bad escape":            {urlEncoded, "a=%zz", http.StatusBadRequest},
		"semicolons":            {urlEncoded, "a=b;List-Unsubscribe=One-Click", http.StatusBadRequest},
		"a second content type": {"application/x-www-form-urlencoded, multipart/form-data", "a=b", http.StatusUnsupportedMediaType},
	} {
		form, bad := read(c.kind, c.body)
		require.NotNil(t, bad, "%s: %v", name, form)
		require.Equal(t, c.status, bad.status, name)
	}
}

// A query is not a body: what is in it does nothing.
func TestReadForm_LooksAtNoQuery(t *testing.T) {
	form, bad := read(urlEncoded, "")
	require.Nil(t, bad)
	require.Empty(t, form)
}

// FuzzReadForm demands of whatever is accepted that it is bounded, and that the two
// encodings mean the same.
func FuzzReadForm(f *testing.F) {
	f.Add(urlEncoded, "List-Unsubscribe=One-Click")
	f.Add(formData, part(`"List-Unsubscribe"`, "One-Click")+"--b--\r\n")
	f.Add(formData, "--b\r\nContent-Disposition: form-data; name*=utf-8''a\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n=41\r\n--b--")
	f.Fuzz(func(t *testing.T, kind, body string) {
		form, bad := read(kind, body)
		if bad != nil {
			if bad.status < 400 || bad.status > 499 {
				t.Fatal(bad.status)
			}
			return
		}
		if n := countValues(form); n > maxFields || len(body) > maxBody {
			t.Fatalf("%d fields of %d bytes", n, len(body))
		}
		var again bytes.Buffer
		w := multipart.NewWriter(&again)
		for name, values := range form {
			for _, v := range values {
				if err := w.WriteField(name, v); err != nil {
					t.Fatal(err)
				}
			}
		}
		_ = w.Close()
		unusual := func(r rune) bool { return r < ' ' || r > '~' || strings.ContainsRune("\"\\%", r) }
		if strings.ContainsFunc(strings.Join(keysOfForm(form), ""), unusual) || again.Len() > maxBody {
			return // names that multipart writes otherwise, or not at all
		}
		other, bad := read(w.FormDataContentType(), again.String())
		if bad != nil || isOneClick(other) != isOneClick(form) {
			t.Fatalf("%v and %v (%v)", form, other, bad)
		}
	})
}

func keysOfForm(v url.Values) (all []string) {
	for k := range v {
		all = append(all, k)
	}
	return all
}

func TestLimiter_CountsInAWindowThatSlides(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLimiter[string](4, time.Hour, 100)
		for range 4 {
			require.True(t, l.allow("a"))
		}
		require.False(t, l.allow("a"))
		require.True(t, l.allow("b"))
		time.Sleep(90 * time.Minute) //nolint:forbidigo // the fake clock of synctest
		require.True(t, l.allow("a"), "half of the window before counts")
		require.True(t, l.allow("a"))
		require.False(t, l.allow("a"))
		time.Sleep(3 * time.Hour) //nolint:forbidigo // the fake clock of synctest
		for range 4 {
			require.True(t, l.allow("a"))
		}
		require.False(t, l.allow("a"))
	})
}

func TestLimiter_IsBounded(t *testing.T) {
	l := newLimiter[int](1, time.Hour, 100)
	for i := range 10_000 {
		require.True(t, l.allow(i))
		require.LessOrEqual(t, len(l.now)+len(l.before), 200)
	}
}

func TestNetwork_CountsAHouseholdOnce(t *testing.T) {
	require.Equal(t, network(netip.MustParseAddr("2001:db8::1")), network(netip.MustParseAddr("2001:db8::ffff:1")))
	require.NotEqual(t, network(netip.MustParseAddr("2001:db8:0:1::1")), network(netip.MustParseAddr("2001:db8::1")))
	require.Equal(t, network(netip.MustParseAddr("::ffff:192.0.2.1")), network(netip.MustParseAddr("192.0.2.1")))
	require.NotEqual(t, network(netip.MustParseAddr("192.0.2.2")), network(netip.MustParseAddr("192.0.2.1")))
	require.Equal(t, network(netip.MustParseAddr("fe80::1%eth0")), network(netip.MustParseAddr("fe80::1%eth1")))
	require.Equal(t, netip.Prefix{}, network(netip.Addr{}))
}
