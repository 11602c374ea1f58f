package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path"
	"strconv"
	"strings"
	"time"
)

var _ = register("wget", "[-qSc] [-O FILE|-] [-T SECONDS] [-t N] [--spider] [--header H] [--post-data DATA] [--no-check-certificate] [-U AGENT] [-P DIR] URL...", wget) &&
	register("curl", "[-sSfiIkLv] [-X METHOD] [-d DATA] [-H HEADER] [-o FILE|-O] [-w FORMAT] [-m SECONDS] [-u USER:PASS] [-A AGENT] URL...", curl)

// webClient has no proxy and no pool: each program makes one connection and ends.
func webClient(limit time.Duration, insecure, follow bool) *http.Client {
	c := &http.Client{Timeout: limit, Transport: &http.Transport{
		DisableKeepAlives: true, DisableCompression: true,
		TLSClientConfig: &tls.Config{InsecureSkipVerify: insecure}, //nolint:gosec // only when asked to with -k
	}}
	if !follow {
		c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	}
	return c
}

func completeURL(word string) string {
	if !strings.Contains(word, "://") {
		return "http://" + word
	}
	return word
}

func wget(p *process) int {
	o, ok := p.options("qScO:T:t:U:P:nsh:d:", "spider=s", "header=h", "post-data=d", "no-check-certificate=n", "quiet=q", "timeout=T", "tries=t", "user-agent=U", "output-document=O", "server-response=S")
	if !ok || len(o.rest) == 0 {
		return p.misuse()
	}
	limit, err := duration(o.value('T', "900"))
	if err != nil {
		return p.failf("invalid number '%s'", o.value('T', ""))
	}
	status := 0
	for _, word := range o.rest {
		if err := p.wgetOne(o, completeURL(word), limit); err != nil {
			status = p.fail(err)
		}
	}
	return status
}

// tell prints progress, unless -q.
func (p *process) tell(o options, format string, args ...any) {
	if !o.has('q') {
		fmt.Fprintf(p.stderr, format+"\n", args...)
	}
}

func (p *process) wgetOne(o options, address string, limit time.Duration) error {
	request, err := wgetRequest(o, address)
	if err != nil {
		return fmt.Errorf("bad address '%s'", address)
	}
	client := webClient(limit, o.has('n'), true)
	client.Transport.(*http.Transport).DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) { //nolint:forcetypeassert // made so above
		return p.wgetDial(ctx, o, network, addr)
	}
	response, err := client.Do(request)
	if err != nil {
		return wgetError(err)
	}
	defer response.Body.Close()
	if o.has('S') {
		fmt.Fprintf(p.stderr, "  %s %s\n", response.Proto, response.Status)
		for name, values := range response.Header {
			fmt.Fprintf(p.stderr, "  %s: %s\n", name, strings.Join(values, ", "))
		}
	}
	if response.StatusCode >= 400 {
		return fmt.Errorf("server returned error: %s %s", response.Proto, response.Status)
	}
	if o.has('s') {
		p.tell(o, "remote file exists")
		return nil
	}
	return p.save(o, response)
}

func wgetRequest(o options, address string) (*http.Request, error) {
	method, body := http.MethodGet, io.Reader(http.NoBody)
	if o.has('d') {
		method, body = http.MethodPost, strings.NewReader(o.value('d', ""))
	}
	request, err := http.NewRequest(method, address, body) //nolint:noctx // the client's limit ends it
	if err != nil {
		return nil, err
	}
	if o.has('d') {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	request.Header.Set("User-Agent", o.value('U', "Wget"))
	addHeaders(request, o.given['h'])
	return request, nil
}

func addHeaders(request *http.Request, lines []string) {
	for _, line := range lines {
		name, value, _ := strings.Cut(line, ":")
		request.Header.Set(name, strings.TrimSpace(value))
		if strings.EqualFold(name, "host") {
			request.Host = strings.TrimSpace(value)
		}
	}
}

// wgetDial says whom it connects to, as busybox does: "Connecting to web (10.96.0.12:80)".
func (p *process) wgetDial(ctx context.Context, o options, network, addr string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	ips, err := net.DefaultResolver.LookupHost(ctx, host)
	if err != nil {
		return nil, errBadAddress(host)
	}
	p.tell(o, "Connecting to %s (%s)", host, net.JoinHostPort(ips[0], port))
	var dialer net.Dialer
	for _, ip := range ips {
		var conn net.Conn
		if conn, err = dialer.DialContext(ctx, network, net.JoinHostPort(ip, port)); err == nil {
			return conn, nil
		}
	}
	return nil, fmt.Errorf("can't connect to remote host (%s): %w", ips[0], err)
}

// errBadAddress is a host name that does not resolve.
type errBadAddress string

func (e errBadAddress) Error() string { return "bad address '" + string(e) + "'" }

// wgetError says what busybox's wget says.
func wgetError(err error) error {
	var bad errBadAddress
	var failed *url.Error
	switch {
	case errors.As(err, &bad):
		return bad
	case os.IsTimeout(err) || errors.Is(err, context.DeadlineExceeded):
		return errors.New("download timed out")
	case errors.As(err, &failed):
		err = failed.Err
	}
	if text := err.Error(); strings.HasPrefix(text, "can't connect") {
		host, _, _ := strings.Cut(text, ": ")
		return fmt.Errorf("%s: %s", host, reason(err))
	}
	return err
}

// save writes the body to where -O, -P or the address say.
func (p *process) save(o options, response *http.Response) error {
	name := o.value('O', "")
	if name == "" {
		name = path.Base(response.Request.URL.Path)
		if name == "/" || name == "." || strings.HasSuffix(response.Request.URL.Path, "/") {
			name = "index.html"
		}
		name = path.Join(o.value('P', ""), name)
	}
	out := p.stdout
	if name != "-" {
		flag := os.O_CREATE | os.O_WRONLY | os.O_TRUNC
		if !o.has('O') {
			flag |= os.O_EXCL
		}
		f, err := os.OpenFile(name, flag, 0o666)
		if err != nil {
			return fmt.Errorf("can't open '%s': %s", name, reason(err))
		}
		defer f.Close()
		out = f
		p.tell(o, "saving to '%s'", name)
	}
	n, err := io.Copy(out, response.Body)
	if err != nil {
		return wgetError(err)
	}
	if name != "-" {
		p.tell(o, "%-20s 100%% |********************************| %5d  0:00:00 ETA\n'%s' saved", path.Base(name), n, name)
	}
	return nil
}

func curl(p *process) int {
	o, ok := p.options("sSfiIkLvgX:d:H:o:Ow:m:u:A:e:x4", "silent=s", "show-error=S", "fail=f", "include=i", "head=I", "insecure=k", "location=L", "verbose=v", "request=X", "data=d", "header=H", "output=o", "write-out=w", "max-time=m", "user=u", "user-agent=A", "connect-timeout=x", "data-raw=d")
	if !ok || len(o.rest) == 0 {
		return p.misuse()
	}
	limit, err := duration(o.value('m', "0"))
	if err != nil {
		return p.misuse()
	}
	status := 0
	for _, address := range o.rest {
		if code := p.curlOne(o, completeURL(address), limit); code != 0 {
			status = code
		}
	}
	return status
}

func (p *process) curlOne(o options, address string, limit time.Duration) int {
	request, err := curlRequest(o, address)
	if err != nil {
		return p.curlFail(o, 3, "URL using bad/illegal format or missing URL")
	}
	began := time.Now()
	response, err := webClient(limit, o.has('k'), o.has('L')).Do(request)
	if err != nil {
		code, text := curlError(request.URL, err, time.Since(began))
		p.writeOut(o, nil, 0, began)
		return p.curlFail(o, code, text)
	}
	defer response.Body.Close()
	if o.has('v') {
		curlVerbose(p.stderr, request, response)
	}
	if o.has('f') && response.StatusCode >= 400 {
		p.writeOut(o, response, 0, began)
		return p.curlFail(o, 22, fmt.Sprintf("The requested URL returned error: %d", response.StatusCode))
	}
	size, err := p.curlBody(o, request, response)
	p.writeOut(o, response, size, began)
	if err != nil {
		return p.curlFail(o, 23, reason(err))
	}
	return 0
}

func curlRequest(o options, address string) (*http.Request, error) {
	method, body := http.MethodGet, io.Reader(http.NoBody)
	if o.has('I') {
		method = http.MethodHead
	}
	if data := strings.Join(o.given['d'], "&"); o.has('d') {
		method = http.MethodPost
		if name, ok := strings.CutPrefix(data, "@"); ok {
			text, err := os.ReadFile(strings.ReplaceAll(name, "-", "/dev/stdin"))
			if err != nil {
				return nil, err
			}
			data = string(text)
		}
		body = strings.NewReader(data)
	}
	request, err := http.NewRequest(o.value('X', method), address, body) //nolint:noctx // the client's limit ends it
	if err != nil {
		return nil, err
	}
	if o.has('d') {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	request.Header.Set("User-Agent", o.value('A', "curl/8"))
	request.Header.Set("Accept", "*/*")
	if user, password, _ := strings.Cut(o.value('u', ""), ":"); user != "" {
		request.SetBasicAuth(user, password)
	}
	addHeaders(request, o.given['H'])
	return request, nil
}

func (p *process) curlFail(o options, code int, text string) int {
	if !o.has('s') || o.has('S') {
		fmt.Fprintf(p.stderr, "curl: (%d) %s\n", code, text)
	}
	return code
}

// curlError finds curl's number for what went wrong.
func curlError(u *url.URL, err error, spent time.Duration) (int, string) {
	var unknown *net.DNSError
	port := u.Port()
	if port == "" {
		port = map[string]string{"https": "443"}[u.Scheme]
	}
	if port == "" {
		port = "80"
	}
	switch {
	case os.IsTimeout(err):
		return 28, fmt.Sprintf("Connection timed out after %d milliseconds", spent.Milliseconds())
	case errors.As(err, &unknown):
		return 6, "Could not resolve host: " + u.Hostname()
	case strings.Contains(err.Error(), "tls") || strings.Contains(err.Error(), "x509"):
		return 60, "SSL certificate problem: " + errors.Unwrap(err).Error()
	case strings.Contains(err.Error(), "EOF"):
		return 52, "Empty reply from server"
	case strings.Contains(err.Error(), "dial"):
		return 7, fmt.Sprintf("Failed to connect to %s port %s after %d ms: %s", u.Hostname(), port, spent.Milliseconds(), reason(err))
	case strings.Contains(err.Error(), "unsupported protocol"):
		return 1, "Protocol \"" + u.Scheme + "\" not supported"
	default:
		return 56, reason(err)
	}
}

func curlVerbose(w io.Writer, request *http.Request, response *http.Response) {
	fmt.Fprintf(w, "> %s %s HTTP/1.1\n> Host: %s\n", request.Method, request.URL.RequestURI(), request.Host)
	writeHeader(w, "> ", request.Header)
	fmt.Fprintf(w, ">\n< %s %s\n", response.Proto, response.Status)
	writeHeader(w, "< ", response.Header)
	fmt.Fprintln(w, "<")
}

func writeHeader(w io.Writer, prefix string, h http.Header) {
	var out strings.Builder
	_ = h.Write(&out) // a builder takes everything
	for line := range strings.Lines(out.String()) {
		fmt.Fprint(w, prefix+line)
	}
}

func (p *process) curlBody(o options, request *http.Request, response *http.Response) (int64, error) {
	out := p.stdout
	name := o.value('o', "")
	if o.has('O') {
		name = path.Base(request.URL.Path)
	}
	if name != "" && name != "-" {
		f, err := os.Create(name)
		if err != nil {
			return 0, err
		}
		defer f.Close()
		out = f
	}
	if o.has('i') || o.has('I') {
		fmt.Fprintf(out, "%s %s\r\n", response.Proto, response.Status)
		writeHeader(out, "", response.Header)
		fmt.Fprint(out, "\r\n")
	}
	return io.Copy(out, response.Body)
}

// writeOut is -w: %{http_code} and its kin.
func (p *process) writeOut(o options, response *http.Response, size int64, began time.Time) {
	format := o.value('w', "")
	if format == "" {
		return
	}
	code, kind, final := "000", "", ""
	if response != nil {
		code, kind, final = fmt.Sprintf("%03d", response.StatusCode), response.Header.Get("Content-Type"), response.Request.URL.String()
	}
	fmt.Fprint(p.stdout, strings.NewReplacer("%{http_code}", code, "%{response_code}", code, "%{size_download}", strconv.FormatInt(size, 10),
		"%{time_total}", fmt.Sprintf("%.6f", time.Since(began).Seconds()), "%{content_type}", kind, "%{url_effective}", final,
		`\n`, "\n", `\t`, "\t", `\r`, "\r", "%%", "%").Replace(format))
}
