/* SPDX-License-Identifier: MIT */
#include "typed.h"

namespace
{

long encrypt(const typed_sandbox &box, const unsigned char *in,
	     std::size_t length, unsigned char *out)
{
	static const unsigned char key[32] = "a key of thirty-two characters.";
	const auto gcm = box.make<mbedtls_gcm_context>().value();
	const auto at = gcm.pointer();
	int result;

	box.call<&mbedtls_gcm_init>(at).value();
	result = box.call<&mbedtls_gcm_setkey>(at, MBEDTLS_CIPHER_ID_AES, key,
					       256u).value().unverified();
	if (result == 0)
		result = box.call<&mbedtls_gcm_crypt_and_tag>(
			at, MBEDTLS_GCM_ENCRYPT, length, key, std::size_t{12},
			nullptr, std::size_t{0}, in, out + 80, std::size_t{16},
			out).value().unverified();
	box.call<&mbedtls_gcm_free>(at).value();
	if (result == 0)
		result = box.call<&mbedtls_sha512_ret>(out + 80, length,
						       out + 16, 0)
				 .value()
				 .unverified();
	return result != 0 ? result : long(length) + 80;
}

} // namespace

long typed(const typed_sandbox &box, const unsigned char *in,
	   std::size_t length, unsigned char *out, std::size_t room)
{
	if (length > room - 96)
		return -1;
	const auto certificate = box.make<mbedtls_x509_crt>().value();
	const auto at = certificate.pointer();
	int result = 0;

	box.call<&mbedtls_x509_crt_init>(at).value();
	if (box.call<&mbedtls_x509_crt_parse_der>(at, in, length)
		    .value()
		    .between(0, 0))
		result = box.call<&mbedtls_x509_crt_info>(
			reinterpret_cast<char *>(out), room, "", at)
				 .value()
				 .unverified();
	box.call<&mbedtls_x509_crt_free>(at).value();
	return result > 0 ? result : encrypt(box, in, length, out);
}
