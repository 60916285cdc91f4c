using System.Buffers;
using System.Text;
using System.Text.Encodings.Web;

namespace EventStore.Serialization;

/// <summary>
/// The encoder of a serializer, which also refuses text that has no UTF-8 form. Without it, half of a surrogate pair would be stored as
/// U+FFFD, and the text would come back changed.
/// </summary>
internal sealed unsafe class WellFormedEncoder(JavaScriptEncoder encoder) : JavaScriptEncoder
{
    public override int MaxOutputCharactersPerInputCharacter => encoder.MaxOutputCharactersPerInputCharacter;

    public override int FindFirstCharacterToEncode(char* text, int textLength) => encoder.FindFirstCharacterToEncode(text, textLength);

    public override int FindFirstCharacterToEncodeUtf8(ReadOnlySpan<byte> utf8Text) => encoder.FindFirstCharacterToEncodeUtf8(utf8Text);

    public override bool TryEncodeUnicodeScalar(int unicodeScalar, char* buffer, int bufferLength, out int numberOfCharactersWritten) =>
        encoder.TryEncodeUnicodeScalar(unicodeScalar, buffer, bufferLength, out numberOfCharactersWritten);

    public override bool WillEncode(int unicodeScalar) => encoder.WillEncode(unicodeScalar);

    public override OperationStatus EncodeUtf8(
        ReadOnlySpan<byte> utf8Source, Span<byte> utf8Destination, out int bytesConsumed, out int bytesWritten, bool isFinalBlock = true) =>
        encoder.EncodeUtf8(utf8Source, utf8Destination, out bytesConsumed, out bytesWritten, isFinalBlock);

    // Half of a pair is always encoded, so only text that needs encoding is examined.
    public override OperationStatus Encode(
        ReadOnlySpan<char> source, Span<char> destination, out int charsConsumed, out int charsWritten, bool isFinalBlock = true)
    {
        for (var at = source.IndexOfAnyInRange('\ud800', '\udfff'); at >= 0;)
        {
            var status = Rune.DecodeFromUtf16(source[at..], out _, out var length);
            if (status == OperationStatus.NeedMoreData && !isFinalBlock) break;
            if (status != OperationStatus.Done)
                throw new BodyException(
                    "a text in it contains half of a surrogate pair, which has no UTF-8 form. Use well-formed Unicode.");
            var next = source[(at + length)..].IndexOfAnyInRange('\ud800', '\udfff');
            at = next < 0 ? next : at + length + next;
        }

        return encoder.Encode(source, destination, out charsConsumed, out charsWritten, isFinalBlock);
    }
}
