package exchange

// announcements are the ways to announce the end of a connection, as
// Declared.Text has them. Their order is that of their codes.
var announcements = [...]string{"", "Connection: close", "HTTP/1.0", "body until close", "websocket close frame", "GOAWAY", "QUIT"}

// AnnouncementCode is a number below 256 for a Declared.Text; 0 for "", and for
// what is none.
func AnnouncementCode(text string) uint8 {
	for i, s := range announcements {
		if s == text {
			return uint8(i)
		}
	}
	return 0
}

// Announcement is the text of a code; "" when there is no such code.
func Announcement(code uint8) string {
	if int(code) < len(announcements) {
		return announcements[code]
	}
	return ""
}
