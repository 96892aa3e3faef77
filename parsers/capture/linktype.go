package capture

import "strconv"

// Link types that are decoded (https://www.tcpdump.org/linktypes.html).
const (
	linkNull        = 0
	linkEthernet    = 1
	linkPPP         = 9
	linkFDDI        = 10
	linkRaw         = 12 // and 14, as DLT_RAW is on some systems
	linkRawOpenBSD  = 14
	linkPPPHDLC     = 50
	linkATM         = 100
	linkRawIP       = 101
	linkCHDLC       = 104
	linkWLAN        = 105
	linkFrameRelay  = 107
	linkLoop        = 108
	linkEnc         = 109
	linkSLL         = 113
	linkPflog       = 117
	linkPrism       = 119
	linkRadiotap    = 127
	linkFirewire    = 138
	linkAVS         = 163
	linkPPPDir      = 204
	linkPPI         = 192
	linkIP4         = 228
	linkIP6         = 229
	linkNflog       = 239
	linkNetanalyzer = 240
	linkPKTAP       = 258
	linkSLL2        = 276
)

// LinkName returns libpcap's name of a LINKTYPE_ value, such as "EN10MB" or
// "LINUX_SLL2", and "LINKTYPE_n" for one that has none here.
func LinkName(linkType uint16) string {
	switch linkType {
	case linkNull:
		return "NULL"
	case linkEthernet:
		return "EN10MB"
	case 6:
		return "IEEE802"
	case 8:
		return "SLIP"
	case linkPPP:
		return "PPP"
	case linkFDDI:
		return "FDDI"
	case linkRaw, linkRawOpenBSD, linkRawIP:
		return "RAW"
	case linkPPPHDLC:
		return "PPP_SERIAL"
	case 51:
		return "PPP_ETHER"
	case linkATM:
		return "ATM_RFC1483"
	case linkCHDLC:
		return "C_HDLC"
	case linkWLAN:
		return "IEEE802_11"
	case linkFrameRelay:
		return "FRELAY"
	case linkLoop:
		return "LOOP"
	case linkEnc:
		return "ENC"
	case linkSLL:
		return "LINUX_SLL"
	case linkPflog:
		return "PFLOG"
	case linkPrism:
		return "PRISM_HEADER"
	case linkRadiotap:
		return "IEEE802_11_RADIO"
	case linkFirewire:
		return "APPLE_IP_OVER_IEEE1394"
	case linkAVS:
		return "IEEE802_11_RADIO_AVS"
	}
	return laterLinkName(linkType)
}

// laterLinkName goes on with the upper half of the numbers.
func laterLinkName(linkType uint16) string {
	switch linkType {
	case 187:
		return "BLUETOOTH_HCI_H4"
	case 189:
		return "USB_LINUX"
	case linkPPI:
		return "PPI"
	case 195:
		return "IEEE802_15_4_WITHFCS"
	case 201:
		return "BLUETOOTH_HCI_H4_WITH_PHDR"
	case linkPPPDir:
		return "PPP_WITH_DIR"
	case 220:
		return "USB_LINUX_MMAPPED"
	case linkIP4:
		return "IPV4"
	case linkIP6:
		return "IPV6"
	case linkNflog:
		return "NFLOG"
	case linkNetanalyzer:
		return "NETANALYZER"
	case 242:
		return "IPOIB"
	case 249:
		return "USBPCAP"
	case 252:
		return "WIRESHARK_UPPER_PDU"
	case 253:
		return "NETLINK"
	case linkPKTAP:
		return "PKTAP"
	case linkSLL2:
		return "LINUX_SLL2"
	}
	if linkType >= 147 && linkType <= 162 {
		return "USER" + strconv.Itoa(int(linkType)-147)
	}
	return "LINKTYPE_" + strconv.Itoa(int(linkType))
}
