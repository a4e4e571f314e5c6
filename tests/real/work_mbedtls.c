/* SPDX-License-Identifier: MIT */
/* What a certificate says; encrypt what is none, and sign it with a hash. */
#include "work.h"

#include <mbedtls/gcm.h>
#include <mbedtls/sha512.h>
#include <mbedtls/x509_crt.h>
#include <string.h>

long work(const unsigned char *in, unsigned long length, unsigned char *out,
	  unsigned long room)
{
	static const unsigned char key[32] = "a key of thirty-two characters.";
	mbedtls_x509_crt certificate;
	mbedtls_gcm_context gcm;
	int result = 0;

	if (length > room - 96)
		return -1;
	mbedtls_x509_crt_init(&certificate);
	if (mbedtls_x509_crt_parse_der(&certificate, in, length) == 0)
		result = mbedtls_x509_crt_info((char *)out, room, "",
					       &certificate);
	mbedtls_x509_crt_free(&certificate);
	if (result > 0)
		return result;
	mbedtls_gcm_init(&gcm);
	if (mbedtls_gcm_setkey(&gcm, MBEDTLS_CIPHER_ID_AES, key, 256) == 0)
		result = mbedtls_gcm_crypt_and_tag(
			&gcm, MBEDTLS_GCM_ENCRYPT, length, key, 12, NULL, 0, in,
			out + 80, 16, out);
	mbedtls_gcm_free(&gcm);
	if (result == 0)
		result = mbedtls_sha512_ret(out + 80, length, out + 16, 0);
	return result != 0 ? result : (long)length + 80;
}
