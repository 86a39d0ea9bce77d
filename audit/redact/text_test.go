package redact

import (
	"strings"
	"testing"
)

// masked are texts with shapes in them, and what is left. All addresses and
// numbers are from ranges reserved for examples, or are schemes' test numbers.
var masked = map[string][][2]string{
	"e-mail": {
		{"anna@example.com", "[email]"},
		{"cannot send to anna.example+shop@mail.example.com.", "cannot send to [email]."},
		{"<anna@example.com>, 'ben@example.org'; carl@example.net", "<[email]>, '[email]'; [email]"},
		{"email=anna@example.com id=7", "email=[email] id=7"},
		{`{"email":"anna@example.com"}`, `{"email":"[email]"}`},
		{"mailto:anna@example.com?subject=x", "mailto:[email]?subject=x"},
		{"GET /u?e=anna%40example.com&p=1", "GET /u?e=[email]&p=1"},
		{"анна@пример.испытание", "[email]"},
		{"Grüße an jürgen@müller.example", "Grüße an [email]"},
		{"用户@例子.测试", "[email]"},
		{"用户@例子。测试", "[email]"},
		{"anna＠example.com", "[email]"},
		{"ANNA@XN--BCHER-KVA.EXAMPLE", "[email]"},
		{`"anna smith"@example.com`, "[email]"},
		{"o'brien@example.com", "[email]"},
		{"anna@[192.0.2.1]", "[email]"},
		{"anna@[IPv6:2001:db8::1]", "[email]"},
		{"bounce+anna=example.com@lists.example.org", "[email]"},
		{"postgres://shop:secret@db.example.com/x", "postgres://shop:[email]/x"},
		{"a@b@example.com", "a@[email]"},
		{"anna@example.com-old", "[email]"},
		{"/login?next=%2Fu%3Fe%3Danna%2540example.com", "/login?next=[email]"},
		{"an\u00adna\u200b@exam\u00adple.com", "[email]"},
		{"to 😀@example.com, anna@i❤.example", "to [email], [email]"},
		{"bounces-7-anna=example.com@lists.example.org", "[email]"},
		{"user-name=anna@example.com", "user-name=[email]"},
		{`"anna \"x\" smith"@example.com`, "[email]"},
		{`{"raw":"\"anna smith\"@example.com"}`, `{"raw":"\[email]"}`},
	},
	"phone": {
		{"+44 20 7946 0123", "[phone]"}, // Ofcom's numbers for drama
		{"call +44 (0)20 7946 0123 now", "call [phone] now"},
		{"(+44) 20 7946 0123", "[phone]"},
		{"+442079460123", "[phone]"},
		{"tel:+44-20-7946-0123", "tel:[phone]"},
		{"0044 20 7946 0123", "[phone]"},
		{"00442079460123", "[phone]"},
		{"020 7946 0123", "[phone]"},
		{"(020) 7946 0123", "[phone]"},
		{"07700 900123", "[phone]"},
		{"07700900123", "[phone]"},
		{"+49 30 23125 000", "[phone]"}, // Bundesnetzagentur's
		{"030/23125 000", "[phone]"},
		{"030 - 23125000", "[phone]"},
		{"01 99 00 12 34", "[phone]"}, // ARCEP's
		{"01.99.00.12.34", "[phone]"},
		{"+33\u00a01\u00a099\u00a000\u00a012\u00a034", "[phone]"},
		{"0491 570 006", "[phone]"}, // ACMA's
		{"(02) 5550 0123", "[phone]"},
		{"(202) 555-0143", "[phone]"}, // NANPA's
		{"202-555-0143", "[phone]"},
		{"202.555.0143", "[phone]"},
		{"+1 202 555 0143", "[phone]"},
		{"1-800-555-0199", "[phone]"},
		{"202-555-0143x12", "[phone]x12"},
		{"phone=2025550143", "phone=[phone]"},
		{`"phone_number":"5550143"`, `"phone_number":"[phone]"`},
		{"Tel. 555-0143", "Tel. [phone]"},
		{"(11) 91234-5678", "[phone]"},
		{"8 (495) 123-45-67", "[phone]"},
		{"600 123 456", "[phone]"},
		{"91 123 45 67", "[phone]"},
		{"138 0013 8000", "[phone]"},
		{"请拨打+8613800138000。", "请拨打[phone]。"},
		{"03-1234-5678", "[phone]"},
		{"?from=%2B442079460123&x", "?from=[phone]&x"},
		{"0199001234,0199005678", "[phone],[phone]"},
		{"/users/+442079460123/orders", "/users/[phone]/orders"},
		{"sms-+442079460123-sent", "sms-[phone]-sent"},
		{"?q=202-555-0143%20x", "?q=[phone]%20x"},
		{"?q=%2B44+20+7946+0123&x", "?q=[phone]&x"},
		{"?q=%2B44%2020%207946%200123", "?q=[phone]"},
		{"+ 44 20 7946 0123", "[phone]"},
		{"+44\u221220\u22127946\u22120123", "[phone]"},
		{"order 7 202-555-0143 twice", "order 7 [phone] twice"},
	},
	"card": {
		{"4111111111111111", "[card]"},
		{"4111 1111 1111 1111", "[card]"},
		{"4111-1111-1111-1111", "[card]"},
		{"pan=5555555555554444;", "pan=[card];"},
		{"2223003122003222", "[card]"},
		{"378282246310005", "[card]"},
		{"3782 822463 10005", "[card]"},
		{"30569309025904", "[card]"},
		{"3056 930902 5904", "[card]"},
		{"6011111111111117", "[card]"},
		{"3530111333300000", "[card]"},
		{"6200000000000005", "[card]"},
		{"6759649826438453", "[card]"},
		{"4222222222222", "[card]"},
		{"4000000000000000006", "[card]"},
		{"card4111111111111111", "card[card]"},
		{"4111111111111111/12/26", "[card]/12/26"},
		{"paid by 4111 1111 1111 1111 12/26", "paid by [card] 12/26"},
		{"4111 11111111 1111", "[card]"},
		{"411111111111 1111", "[card]"},
		{"4111 111111111111", "[card]"},
		{"?pan=4111+1111+1111+1111&x", "?pan=[card]&x"},
		{"?pan=4111%201111%201111%201111", "?pan=[card]"},
		{"4111\u20141111\u20141111\u20141111", "[card]"},
	},
	"address": {
		{"192.0.2.1", "[ip]"},
		{"from 192.0.2.1:51234.", "from [ip]:51234."},
		{"198.51.100.0/24", "[ip]/24"},
		{"http://203.0.113.9/x", "http://[ip]/x"},
		{"2001:db8::1", "[ip]"},
		{"dial tcp [2001:db8::1]:443: refused", "dial tcp [ip]:443: refused"},
		{"addr:2001:db8::1: refused", "addr:[ip]: refused"},
		{"2001:DB8:0:0:8:800:200C:417A", "[ip]"},
		{"fe80::1%eth0", "[ip]"},
		{"::ffff:192.0.2.1", "[ip]"},
		{"fdab:cdef::abcd", "[ip]"},
		{"1.2.0.192.in-addr.arpa", "[ip].in-addr.arpa"},
		{"::ffff:c000:201", "[ip]"},
		{"2001:db8::1:51234", "[ip]:51234"}, // as "%s:%d" writes it
		{"2001:db8:0:0:8:800:200C:417A:443", "[ip]:443"},
		{"bad:2001:db8:0:0:8:800:200C:417A", "[ip]"}, // which end is none of it?
		{"line 3:add:2001:db8:0:0:8:800:200C:417A:51234: reset", "line 3:add:[ip]:51234: reset"},
		{"ip_2001:db8::1", "ip_[ip]"},
		{"?ip=2001%3Adb8%3a%3A1&x", "?ip=[ip]&x"},
		{"[fe80::1%25eth0]:80", "[ip]:80"},
		{"IP 192.0.2.1.51234 > 198.51.100.2.4433: Flags", "IP [ip].51234 > [ip].4433: Flags"},
		{"curl -v 192.0.2.1", "curl -v [ip]"},
	},
	"several": {
		{
			"anna@example.com from 192.0.2.1 by 4111111111111111 or +442079460123",
			"[email] from [ip] by [card] or [phone]",
		},
	},
}

func TestText_MasksShapes(t *testing.T) {
	r := &rules{}
	for kind, rows := range masked {
		t.Run(kind, func(t *testing.T) {
			for _, row := range rows {
				got := r.text(row[0])
				if got != row[1] {
					t.Errorf("%q became %q, want %q", row[0], got, row[1])
				}
				if again := r.text(got); again != got {
					t.Errorf("%q became %q when masked again", got, again)
				}
			}
		})
	}
}

// kept are texts without personal data that look a little like it.
var kept = []string{
	"", "started", "listening on 127.0.0.1:8080 and [::1]:8080, 0.0.0.0", "version 1.2.3.4", "v1.2.3.4",
	"1.2.3", "go1.26.8", "10.0.19041.1234", "12:30:45", "at 2024-01-02 15:04:05.678", "2024-01-02T15:04:05.123456789Z",
	"2024-01-02T15:04:05+01:00", "02/01/2006 15:04:05", "01.02.2024 12.30", "02-01-2006 0800", "20240102150405",
	"20240102-150405", "took 1.234567891s", "0.0123456789", "0.4111111111111111", "1700000000", "1700000000123",
	"1700000000123456", "1700000000123456789", "550e8400-e29b-41d4-a716-446655440000",
	"12345678-1234-1234-1234-123456789012", "0af7651916cd43dd8448eb211c80319c",
	"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "00f067aa0ba902b7",
	"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", "4111111111111112",
	"4111111111111111aaaaaaaaaaaaaaaa", "order 123456789 of 9876543", "id 0000012345", "$0123456789",
	"/root/go.uber.org/zap@v1.28.0/logger.go:225", "x/mod@v0.0.0-20240101000000-abcdef123456",
	"image@sha256:0123456789abcdef", "root@localhost", "a @ b.example", "@example.com", "std::vector", "Dead::Beef",
	"00:1a:2b:3c:4d:5e", "16:27:ac:a5:76:28:2d:36:63:1b:56:4d:eb:df:a6:48", "0x1234567890", "main.go:1234 +0x1d",
	"sizes 4096 4096 4096 4096", "1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12", "10 20 30 40 50 60 70", "256.1.1.1", "1.2.3.4.5",
	"iban DE00 1234", "978-0-306-40615-7", "100% of 12345678", "hotel 1234567", "goroutine 17 [running]:",
	"1 + 20000000", "1 + 2000 0000", "20240102150405+0100", "1+2+3+4+5+6+7+8", "1.3.6.1.4.1.2021.4", "%3A%3A1", "%3A%3A",
	"00:11:22:33:44:55:66:77:88", "Dead::Beef:12345", "12:30:45:123", "202+555+0143", "12345678% of", "x@y.z1", "1.2.3.4.5678.9",
	"\x00\xff\xfe@\xff.\xff", "%40", "::", "+0200", "1e+10000000", "[email:bcdfghjklmnp]", "50%40",
}

func TestText_KeepsWhatIsNoShape(t *testing.T) {
	r := &rules{}
	for _, s := range kept {
		if got := r.text(s); got != s {
			t.Errorf("%q became %q", s, got)
		}
	}
}

func TestText_LongRunsAreReadInParts(t *testing.T) {
	r := &rules{}
	for n := range 60 {
		s := strings.Repeat("7 ", n) + "202-555-0143"
		if got := r.text(s); strings.Contains(got, "0143") {
			t.Errorf("behind %d numbers: %q", n, got)
		}
	}
}

func TestText_NeighboursOfAMarkerAreLookedAt(t *testing.T) {
	r := &rules{}
	in := "1.192.0.2.1x4111111111111111-0199001234"
	got := r.text(in)
	if r.text(got) != got || strings.Contains(got, "1111") {
		t.Errorf("%q became %q", in, got)
	}
}

func TestText_TimeGrowsWithLength(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and nothing at once")
	}
	r := &rules{}
	for _, part := range []string{"1 ", "1-", "0199 ", "a@", "a%40", "a=+@", "1:", "1.1.", "2001:", "1::", "%3A", "a%2540", "\\\"@", "a-=.@", "1+", "1%20", "\u200b@", "4111111111111111a", "\"@", "+1 ", "::", "(1)"} {
		// Were it quadratic, these would take minutes.
		if got := r.text(strings.Repeat(part, 1<<18/len(part))); got == "" {
			t.Errorf("%q became nothing", part)
		}
	}
}
