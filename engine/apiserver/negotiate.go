package apiserver

import (
	"mime"
	"net/http"
	"strconv"
	"strings"

	"github.com/munnerz/goautoneg"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	metav1beta1 "k8s.io/apimachinery/pkg/apis/meta/v1beta1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

const (
	mediaJSON     = "application/json"
	mediaYAML     = "application/yaml"
	mediaProtobuf = "application/vnd.kubernetes.protobuf"
)

// ours is every media type we read and write, the default first; the order also shows in error texts.
var ours = []string{mediaJSON, mediaYAML, mediaProtobuf}

// form is how a client wants to read an answer.
type form struct {
	media  string
	pretty bool
	// as is the kind the object is to be shown as: a Table, or its metadata alone. Nil shows it as itself.
	as *schema.GroupVersionKind
}

func formOf(media string) form { return form{media: media} }

func (f form) contentType() string { return f.media }

// negotiate reads the Accept header. The first clause that we can serve wins, in the client's order of preference. Only
// objects can be transformed: elsewhere a clause with "as" is passed over.
func negotiate(r *http.Request, transform bool) (form, bool) {
	accept := r.Header.Get("Accept")
	if accept == "" {
		return form{media: mediaJSON, pretty: wantsPretty(r)}, true
	}
	for _, clause := range goautoneg.ParseAccept(accept) {
		for _, media := range ours {
			kind, sub, _ := strings.Cut(media, "/")
			matches := (clause.Type == kind && (clause.SubType == sub || clause.SubType == "*")) ||
				(clause.Type == "*" && clause.SubType == "*")
			if !matches {
				continue
			}
			if f, ok := acceptClause(media, clause.Params, transform); ok {
				f.pretty = f.pretty || wantsPretty(r)
				return f, true
			}
		}
	}
	return form{}, false
}

func acceptClause(media string, params map[string]string, transform bool) (form, bool) {
	f := form{media: media, pretty: params["pretty"] == "1"}
	if stream := params["stream"]; stream != "" && stream != "watch" {
		return form{}, false
	}
	if params["as"] == "" && params["g"] == "" && params["v"] == "" {
		return f, true
	}
	f.as = &schema.GroupVersionKind{Group: params["g"], Version: params["v"], Kind: params["as"]}
	return f, transform && canTransform(media, *f.as)
}

func canTransform(media string, as schema.GroupVersionKind) bool {
	if gv := as.GroupVersion(); gv != metav1.SchemeGroupVersion && gv != metav1beta1.SchemeGroupVersion {
		return false
	}
	switch as.Kind {
	case "Table":
		return media != mediaProtobuf
	case "PartialObjectMetadata", "PartialObjectMetadataList":
		return true
	}
	return false
}

// wantsPretty is for people: they ask for it, or use a program that shows bytes as they come.
func wantsPretty(r *http.Request) bool {
	if strings.Contains(r.URL.RawQuery, "pretty") {
		if asked := r.URL.Query().Get("pretty"); asked != "" {
			pretty, _ := strconv.ParseBool(asked) // anything unreadable means no, as upstream does
			return pretty
		}
	}
	agent := r.UserAgent()
	return strings.HasPrefix(agent, "curl") || strings.HasPrefix(agent, "Wget") || strings.HasPrefix(agent, "Mozilla/5.0")
}

// inputMedia reads the Content-Type of a body.
func inputMedia(r *http.Request) (string, error) {
	header := r.Header.Get("Content-Type")
	if header == "" {
		return mediaJSON, nil
	}
	media, _, err := mime.ParseMediaType(header)
	if err == nil {
		for _, known := range ours {
			if media == known {
				return media, nil
			}
		}
	}
	return "", unsupportedMediaType(ours)
}
